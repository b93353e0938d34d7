"""The repeats of a study, and the fits that affinities are recorded along."""

from collections.abc import Sequence

from cotrain.allocation import Fit, Rotation, all_together, by_recipe, rotations
from cotrain.exceptions import SettingsError
from cotrain.settings import Settings


def study_repeats(settings: Settings, n_repeats: int, seed: int, after: int = 0) -> list[Rotation]:
    """The repeats of a study: what its folds serve for in each, and seeds from `seed` on."""
    plan = settings.plan
    try:
        folds = settings.prepare.n_folds, plan.train_folds, plan.test_folds
        return rotations(*folds, n_repeats, seed, plan.rotate, after)
    except ValueError as error:
        raise SettingsError(f"params.yaml: `plan.train_folds` and `test_folds`: {error}") from error


def fresh_repeats(settings: Settings) -> list[Rotation]:
    """The repeats that choose the portfolio: other seeds than those that chose the grouping.

    Where folds rotate, other validation folds as well, until all have served: labels that chose the
    grouping would prefer it to its rivals.
    """
    plan, fresh = settings.plan, settings.validate_
    used = max(plan.subsets.repeats, plan.augmentations.repeats)
    if plan.seed - fresh.repeats < fresh.seed < plan.seed + used:
        raise SettingsError(
            "params.yaml: `validate.seed` must leave the seeds of the plan, "
            f"{plan.seed} .. {plan.seed + used - 1}, alone, got {fresh.seed}; raise it"
        )
    return study_repeats(settings, fresh.repeats, fresh.seed, used)


def final_repeats(settings: Settings, repeats: Sequence[Rotation]) -> tuple[list[Rotation], int]:
    """The repeats in which models are trained that test labels report on, and their level.

    Once validation labels have chosen they train too, but for learners that stop by them.
    """
    level = settings.plan.subset_level
    if not settings.validate_.refit:
        return list(repeats), level
    return [one.refitted(level) for one in repeats], level + len(repeats[0].folds.validation)


def recorded_fits(settings: Settings, n_tasks: int) -> list[Fit]:
    """The fits that affinities are recorded along."""
    plan = settings.plan
    repeats = study_repeats(settings, plan.affinity.repeats, plan.seed)
    return by_recipe(plan.learner, all_together(n_tasks, plan.subset_level, repeats))
