"""Which tasks share a model, from an affinity matrix alone."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cotrain.grouping.proof._bounds import selfish_bound
from cotrain.grouping.proof._exact import exact_groups
from cotrain.grouping.search._local import greedy_groups
from cotrain.grouping.search._study import search_groups
from cotrain.grouping.value import (
    AffinityValue,
    Constraints,
    GroupingResult,
    Objective,
    as_matrix,
    grouping_result,
)

Method = Literal["exact", "optuna", "greedy"]


def select_groups(
    affinity: ArrayLike,
    *,
    max_groups: int | None = None,
    min_size: int | None = None,
    self_scores: ArrayLike | None = None,
    cost: float | None = None,
    method: Method = "exact",
    seed: int = 0,
) -> GroupingResult:
    """Return the groups that give tasks the highest mean affinity (TAG, arXiv 2109.04617).

    Groups may overlap; every task is served by the best chosen group that holds it, and its score
    there is the mean affinity of the group's other tasks onto it.

    Parameters
    ----------
    affinity : array, shape (n_tasks, n_tasks)
        Row: recipient; column: source. The diagonal is not used.
    max_groups : int, optional
        Groups at most; default: as many as there are tasks.
    min_size : int, optional
        Tasks in a group at least; default 2, or 1 with `self_scores`.
    self_scores : array, shape (n_tasks,), optional
        The score of each task trained alone, on the scale of the affinity.
    cost : float, optional
        Budget at inference: a group of several tasks costs 1, a single task 0.5 (Standley et al.).
    method : {"exact", "optuna", "greedy"}
    seed : int

    Raises
    ------
    ValueError
        For an affinity that is not finite, a group of one task without its score, or a budget
        too small to hold every task.

    Examples
    --------
    >>> affinity = [[0, 3, 1], [3, 0, 1], [2, 1, 0]]
    >>> select_groups(affinity, max_groups=2).groups
    ((0, 1), (0, 2))
    """
    value = AffinityValue(
        np.asarray(affinity, dtype=float),
        None if self_scores is None else np.asarray(self_scores, dtype=float),
    )
    if value.n_tasks == 1 and self_scores is None:
        raise ValueError("affinity must hold at least 2 tasks without self_scores, got 1")
    if min_size is None:
        min_size = 2 if self_scores is None else 1
    elif min_size == 1 and self_scores is None:
        raise ValueError("self_scores must be given for groups of 1 task; or set min_size to 2")
    constraints = Constraints(max_groups=max_groups, min_size=min_size, max_cost=cost)
    objective = Objective(value, constraints)
    if method == "exact":
        return exact_groups(objective, seed=seed)
    if method == "greedy":
        found = greedy_groups(objective, seed=seed)
    elif method == "optuna":
        found = search_groups(objective, trials=1000, seed=seed).best
    else:
        raise ValueError(f"method must be exact, optuna or greedy, got {method}")
    members = as_matrix(found.groups, objective.n_tasks)
    return grouping_result(objective, members, selfish_bound(objective))
