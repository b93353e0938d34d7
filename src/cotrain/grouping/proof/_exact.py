"""The best grouping with proof: the optimum where it can be had, else a bound and its gap."""

from dataclasses import replace
from importlib.util import find_spec

from cotrain.grouping.proof._bounds import Clock, selfish_bound
from cotrain.grouping.proof._columns import Oracle, close_gap, relax
from cotrain.grouping.proof._enumeration import AllGroups
from cotrain.grouping.proof._semidefinite import semidefinite_bound
from cotrain.grouping.proof._spectral import spectral_bound
from cotrain.grouping.search._local import greedy_groups, improve
from cotrain.grouping.value import (
    Grouping,
    GroupingResult,
    LinearValue,
    Members,
    Objective,
    as_groups,
    as_matrix,
    grouping_result,
    simplest,
)

MAX_ENUMERATED = 20
"""Tasks (or blocks of tasks that must share) up to which all groups are held in memory."""
MAX_BRANCHED = 40
"""Tasks up to which groups of a linear value are searched by branch and bound."""


def exact_groups(
    objective: Objective,
    *,
    start: Grouping | None = None,
    seed: int = 0,
    time_limit: float = 3600.0,
) -> GroupingResult:
    """Return the best grouping and a bound that no grouping exceeds.

    Up to 20 tasks a value of any form, up to 40 a linear one: column generation over all groups,
    then an integer program over the groups that the bound cannot rule out. Beyond, local search,
    and the best of the bounds that need no list of groups. Steps are counted, not timed: the same
    objective has the same result anywhere. Among equals the simplest grouping is returned.

    Parameters
    ----------
    objective : Objective
    start : grouping, optional
        A good one that is known, such as a search's best; default: local search finds one.
    seed : int
        Of the local search.
    time_limit : float
        Seconds, about, after which the best found is returned with the bound so far, and
        `timed_out` is true.

    Raises
    ------
    ValueError
        If the constraints cannot be met; the message names those that conflict.
    """
    clock = Clock(time_limit)
    if start is None:
        start = greedy_groups(objective, seed=seed).groups
    incumbent = as_matrix(start, objective.n_tasks)
    incumbent, bound = _proven(objective, incumbent, clock)
    best = simplest(objective, [start, as_groups(objective.useful(incumbent))])
    found = grouping_result(objective, as_matrix(best.groups, objective.n_tasks), bound)
    return replace(found, timed_out=clock.struck and not found.is_optimal)


def _proven(objective: Objective, incumbent: Members, clock: Clock) -> tuple[Members, float]:
    """Return the best grouping of the proof, or the incumbent, and the bound."""
    bound = selfish_bound(objective)
    if grouping_result(objective, incumbent, bound).is_optimal:
        return incumbent, bound
    oracle = _oracle(objective)
    if oracle is not None:
        relaxation, mixed = relax(objective, oracle, incumbent, clock)
        if mixed is not None:
            incumbent = max(incumbent, improve(objective, mixed), key=objective.score)
        closed = relaxation.bound
        if not grouping_result(objective, incumbent, closed).is_optimal:
            incumbent, closed = close_gap(objective, oracle, relaxation, incumbent, clock)
        bound = min(bound, closed)
    proven = grouping_result(objective, incumbent, bound).is_optimal
    if isinstance(objective.value, LinearValue) and not proven:
        # The one knows the rank of who sees whom, the other that every row is a set of tasks.
        bound = min(bound, spectral_bound(objective, clock), semidefinite_bound(objective, clock))
    return incumbent, bound


def _oracle(objective: Objective) -> Oracle | None:
    if len(objective.blocks) <= MAX_ENUMERATED:
        return AllGroups(objective)
    value = objective.value
    can_branch = objective.n_tasks <= MAX_BRANCHED and find_spec("numba") is not None
    if isinstance(value, LinearValue) and can_branch:
        from cotrain.grouping.proof._branching import LinearGroups  # needs numba

        return LinearGroups(objective, value.majorant())
    return None
