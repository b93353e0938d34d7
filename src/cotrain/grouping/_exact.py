"""The best grouping with proof: the optimum where it can be had, else a bound and its gap."""

from dataclasses import replace

from cotrain.grouping._bounds import selfish_bound
from cotrain.grouping._branching import LinearGroups
from cotrain.grouping._clock import Clock
from cotrain.grouping._columns import Oracle, close_gap, relax
from cotrain.grouping._enumeration import AllGroups
from cotrain.grouping._local import greedy_groups, improve
from cotrain.grouping._objective import GroupingResult, Objective, as_matrix, grouping_result
from cotrain.grouping._semidefinite import semidefinite_bound
from cotrain.grouping._spectral import spectral_bound
from cotrain.grouping._values import LinearValue, Members

MAX_ENUMERATED = 20
"""Tasks (or blocks of tasks that must share) up to which all groups are held in memory."""
MAX_BRANCHED = 40
"""Tasks up to which groups of a linear value are searched by branch and bound."""


def exact_groups(
    objective: Objective, *, seed: int = 0, starts: int = 10, time_limit: float = 3600.0
) -> GroupingResult:
    """Return the best grouping and a bound that no grouping exceeds.

    Up to 20 tasks a value of any form, up to 40 a linear one: column generation over all groups,
    then an integer program over the groups that the bound cannot rule out. Beyond, local search,
    and the best of the bounds that need no list of groups. Steps are counted, not timed: the same
    objective has the same result anywhere.

    Parameters
    ----------
    objective : Objective
    seed : int
        Of the local search that gives the first grouping.
    starts : int
        Random starts of the local search.
    time_limit : float
        Seconds, about, after which the best found is returned with the bound so far, and
        `timed_out` is true: a safety, not a way to choose how long to search.

    Raises
    ------
    ValueError
        If the constraints cannot be met; the message names those that conflict.
    """
    clock = Clock(time_limit)
    found = _proven(objective, seed, starts, clock)
    return replace(found, timed_out=clock.struck and not found.is_optimal)


def _proven(objective: Objective, seed: int, starts: int, clock: Clock) -> GroupingResult:
    found = greedy_groups(objective, seed=seed, starts=starts)
    incumbent = as_matrix(found.groups, objective.n_tasks)
    if objective.most_groups == 1:  # every task in one group: nothing else covers all
        return grouping_result(objective, incumbent, found.value)
    bound = selfish_bound(objective)
    oracle = _oracle(objective)
    if oracle is not None and not grouping_result(objective, incumbent, bound).is_optimal:
        incumbent, closed = _by_columns(objective, oracle, incumbent, clock)
        bound = min(bound, closed)
    proven = grouping_result(objective, incumbent, bound).is_optimal
    if isinstance(objective.value, LinearValue) and not proven:
        # The one knows the rank of who sees whom, the other that every row is a set of tasks.
        bound = min(bound, spectral_bound(objective, clock), semidefinite_bound(objective, clock))
    return grouping_result(objective, incumbent, bound)


def _by_columns(
    objective: Objective, oracle: Oracle, incumbent: Members, clock: Clock
) -> tuple[Members, float]:
    """Return the best grouping of column generation, and its bound."""
    relaxation, mixed = relax(objective, oracle, incumbent, clock)
    if mixed is not None:
        mixed = improve(objective, mixed)
        incumbent = max(incumbent, mixed, key=objective.score)
    if grouping_result(objective, incumbent, relaxation.bound).is_optimal:
        return incumbent, relaxation.bound
    return close_gap(objective, oracle, relaxation, incumbent, clock)


def _oracle(objective: Objective) -> Oracle | None:
    if len(objective.blocks) <= MAX_ENUMERATED:
        return AllGroups(objective)
    if isinstance(objective.value, LinearValue) and objective.n_tasks <= MAX_BRANCHED:
        return LinearGroups(objective, objective.value.majorant())
    return None
