"""The best grouping with proof: the optimum where it can be had, else a bound and its gap."""

import time

from cotrain.grouping._bounds import selfish_bound
from cotrain.grouping._columns import close_gap, relax
from cotrain.grouping._enumeration import AllGroups
from cotrain.grouping._local import greedy_groups
from cotrain.grouping._objective import GroupingResult, Objective, as_matrix, grouping_result

MAX_ENUMERATED = 20
"""Tasks (or blocks of tasks that must share) up to which all groups are held in memory."""


def exact_groups(
    objective: Objective, *, seed: int = 0, time_limit: float = 300.0, starts: int = 10
) -> GroupingResult:
    """Return the best grouping and a bound that no grouping exceeds.

    Up to 20 tasks, for a value of any form: column generation over all groups, then an integer
    program over the groups that the bound cannot rule out.

    Parameters
    ----------
    objective : Objective
    seed : int
        Of the local search that gives the first grouping.
    time_limit : float
        Seconds after which the best found is returned with the bound so far.
    starts : int
        Random starts of the local search.

    Raises
    ------
    ValueError
        If the constraints cannot be met; the message names those that conflict.
    """
    deadline = time.monotonic() + time_limit
    found = greedy_groups(objective, seed=seed, starts=starts)
    incumbent = as_matrix(found.groups, objective.n_tasks)
    bound = selfish_bound(objective)
    result = grouping_result(objective, incumbent, bound)
    if result.is_optimal:
        return result
    n_blocks = len(objective.blocks)
    if n_blocks <= MAX_ENUMERATED:
        oracle = AllGroups(objective)
        relaxation = relax(objective, oracle, incumbent, deadline)
        incumbent, bound = close_gap(objective, oracle, relaxation, incumbent, deadline)
    return grouping_result(objective, incumbent, min(bound, selfish_bound(objective)))
