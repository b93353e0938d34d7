"""How many subsets a time budget pays for, and what so many can decide."""

import math
from collections.abc import Callable

from scipy.special import ndtri, stdtrit

from cotrain.exceptions import SettingsError
from cotrain.settings import Settings, minutes

# Subsets of the first look, at how many sets, and how many subsets a look lists at most: a plan of
# hundreds of tasks takes a second for each hundred.
_PROBE, _ROUNDS, _LISTED = 33, 6, 500
# Of subsets as large as `init` makes them, so many decide effects of half a standard deviation.
MOST = 5_000
_POWER = 0.8


def with_subsets(settings: Settings, n_subsets: int) -> Settings:
    subsets = settings.plan.subsets.model_copy(update={"n_subsets": n_subsets})
    plan = settings.plan.model_copy(update={"subsets": subsets})
    return settings.model_copy(update={"plan": plan})


def within_budget(settings: Settings, duration: Callable[[Settings], float]) -> Settings:
    """The settings with as many subsets as `plan.budget` pays for; as they are without one.

    Never more than `MOST`, which says enough; `plan.subsets.n_subsets` may ask for more. `duration`
    says how many minutes all plans of settings take on this machine.
    """
    if settings.plan.budget is None:
        return settings
    budget = minutes(settings.plan.budget)
    least = duration(with_subsets(settings, 1))
    if budget < least:
        raise SettingsError(
            f"params.yaml: `plan.budget` is {settings.plan.budget}, and tasks alone, together and "
            f"their curves take {math.ceil(least)} min here: raise it, or lower the repeats and "
            "levels of `plan.augmentations`"
        )
    n_subsets = _PROBE
    for _ in range(_ROUNDS):  # for the more fits, the more of them are recorded and set the scale
        listed = min(n_subsets, _LISTED)
        each = (duration(with_subsets(settings, listed)) - least) / (listed - 1)
        if each <= 0:  # of few tasks all subsets are fewer than those probed
            break
        before, n_subsets = listed, min(2 + int((budget - least) / each), MOST + 1)
        if abs(n_subsets - before) <= before / 50 or before == min(n_subsets, _LISTED):
            break
    return with_subsets(settings, n_subsets - 1)


def what_is_decided(
    n_tasks: int, n_subsets: int, mean_size: float, n_repeats: int, fdr: float
) -> str:
    """Say what so many subsets of so many tasks can decide at best, in one line.

    The effect of a source on a target is the difference between the target's scores with and
    without it. One of all K - 1 sources is found in four cases of five where it is larger than
    z standard errors, with z for a level of `fdr` / K and that power. The unit is the standard
    deviation of a task's score between fits of the same subset. It is a bound: what differs
    between repeats, which verdicts count, is not foreseen.
    """
    holding = n_subsets * mean_size / n_tasks
    share = (mean_size - 1) / max(n_tasks - 1, 1)
    both, one = holding * share, holding * (1 - share)
    said = f"{holding:.1f} subsets hold a task, {both:.1f} a pair"
    if min(both, one) < 2 or holding < 4:
        return (
            f"note: {said}: verdicts on pairs are out of reach; what can be answered is who gains "
            "beside others, how groups compare when trained for real, and where to label. Raise "
            "`plan.subsets.n_subsets` or `plan.budget`, or learn fewer tasks"
        )
    if n_repeats < 2:
        return f"note: {said}: one repeat decides no pair; raise `plan.subsets.repeats`"
    z = stdtrit(holding - 2, 1 - fdr / n_tasks / 2) + ndtri(_POWER)
    least = z * math.sqrt((1 / both + 1 / one) / n_repeats)
    return (
        f"{said}: effects below some {least:.1f} standard deviations of a task's score between "
        "repeats will hardly be decided"
    )
