"""The best choice of measured networks: several for one set of tasks, each with its cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from cotrain.grouping.proof._columns import choose
from cotrain.grouping.value import Floats, Grouping, GroupingResult, Members, as_matrix


@dataclass(frozen=True, eq=False)
class GroupTable:
    """Measured networks, one a row, to choose from with `select_measured`.

    Attributes
    ----------
    groups : tuple of tuples of int, n_rows
        The tasks of each network; two may be of the same tasks.
    scores : array, shape (n_rows, n_tasks)
        Higher is better; NaN where a network does not serve the task.
    costs : array, shape (n_rows,)
        Cost of each network at inference.

    Examples
    --------
    >>> table = GroupTable.of(
    ...     [({0: 0.8, 1: 0.6}, 1.0), ({0: 0.7}, 0.5), ({1: 0.7}, 0.5), ({1: 0.9}, 1.0)]
    ... )
    >>> table.groups
    ((0, 1), (0,), (1,), (1,))
    """

    groups: Grouping
    scores: Floats
    costs: Floats

    def __post_init__(self) -> None:
        scores, costs = np.array(self.scores, dtype=float), np.array(self.costs, dtype=float)
        n_rows = len(self.groups)
        if n_rows == 0 or scores.ndim != 2 or len(scores) != n_rows or costs.shape != (n_rows,):
            raise ValueError(
                f"scores and costs must have a row for each of the groups, {n_rows} and at least "
                f"1, got shapes {scores.shape} and {costs.shape}"
            )
        if not np.isfinite(costs).all() or costs.min() < 0:
            raise ValueError("costs must be finite and not negative; measure or estimate each")
        if np.isinf(scores).any():
            raise ValueError("scores must be numbers, or NaN where a network serves no task")
        foreign = ~np.isnan(scores) & ~as_matrix(self.groups, scores.shape[1])
        if foreign.any():
            row, task = np.argwhere(foreign)[0]
            raise ValueError(f"row {row} must score its own tasks alone, got a score for {task}")
        unserved = np.isnan(scores).all(axis=0)
        if unserved.any():
            raise ValueError(
                f"each task must be scored by a network, got none for task {unserved.argmax()}; "
                "measure one, or leave the task out"
            )
        object.__setattr__(self, "scores", scores)
        object.__setattr__(self, "costs", costs)

    @classmethod
    def of(
        cls, rows: Iterable[tuple[Mapping[int, float], float]], n_tasks: int | None = None
    ) -> "GroupTable":
        """Return the table of (score of each task of the network, cost), one a network.

        Parameters
        ----------
        rows : iterable of (mapping of task to score, cost)
            A network's tasks are the keys; NaN for one that only helps to train it.
        n_tasks : int, optional
            Default: one more than the largest task.
        """
        found = [(dict(scores), float(cost)) for scores, cost in rows]
        groups = tuple(tuple(sorted(scores)) for scores, _ in found)
        if n_tasks is None:
            n_tasks = 1 + max((task for group in groups for task in group), default=0)
        filled = np.full((len(found), n_tasks), np.nan)
        for row, (scores, _) in enumerate(found):
            filled[row, list(scores)] = list(scores.values())
        return cls(groups, filled, np.array([cost for _, cost in found]))

    @property
    def n_tasks(self) -> int:
        """Return the number of tasks."""
        return int(self.scores.shape[1])

    @property
    def serves(self) -> Members:
        """Return, of shape (n_rows, n_tasks), which tasks each network scores."""
        return ~np.isnan(self.scores)


@dataclass(frozen=True, eq=False)
class MeasuredResult(GroupingResult):
    """Networks that were chosen from a table.

    Attributes
    ----------
    rows : tuple of int
        The row of the table behind each of `groups`.
    """

    rows: tuple[int, ...] = ()


def select_measured(
    table: GroupTable,
    *,
    max_groups: int | None = None,
    max_cost: float | None = None,
    weights: ArrayLike | None = None,
    tolerance: float = 0.0,
) -> MeasuredResult:
    """Return the networks that together give tasks the highest mean score, each its best.

    The choice of Standley et al. (2020): networks within a budget at inference, of which each task
    is served by one. Among choices whose value is within `tolerance` of the optimum the cheapest
    is returned.

    Parameters
    ----------
    table : GroupTable
    max_groups : int, optional
        Networks at most.
    max_cost : float, optional
        Cost at inference of all networks at most.
    weights : array, shape (n_tasks,), optional
        Positive; scaled to sum to 1. Default: every task the same.
    tolerance : float

    Raises
    ------
    ValueError
        If no choice within the budget serves every task.

    Examples
    --------
    >>> table = GroupTable.of(
    ...     [({0: 0.8, 1: 0.6}, 1.0), ({0: 0.7}, 0.5), ({1: 0.7}, 0.5), ({1: 0.9}, 1.0)]
    ... )
    >>> [select_measured(table, max_cost=cost).rows for cost in (1.5, 2.0)]
    [(1, 3), (0, 3)]
    """
    share = np.ones(table.n_tasks) if weights is None else np.array(weights, dtype=float)
    if share.shape != (table.n_tasks,) or not np.isfinite(share).all() or share.min() <= 0:
        raise ValueError(f"weights must be {table.n_tasks} positive numbers, got {weights!r}")
    if max_groups is not None and max_groups < 1:
        raise ValueError(f"max_groups must be at least 1, got {max_groups}")
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0, got {tolerance}")
    share = share / share.sum()
    weighted = np.where(table.serves, share * np.nan_to_num(table.scores), 0.0)
    most_groups = len(table.groups) if max_groups is None else max_groups
    budget = np.inf if max_cost is None else max_cost + 1e-9
    chosen = partial(choose, weighted, table.serves, table.costs, most_groups, budget)
    found, bound = chosen(mip_rel_gap=0.0)
    if found is None:
        raise ValueError(
            f"no choice of networks serves every task within max_groups={max_groups}, "
            f"max_cost={max_cost}; raise one of them, or measure larger groups"
        )
    best = float(np.where(table.serves, weighted, -np.inf)[found].max(axis=0).sum())
    slack = 1e-9 * max(1.0, abs(best))
    cheapest, _ = chosen(at_least=best - tolerance - slack, mip_rel_gap=0.0)
    rows = sorted(found if cheapest is None else cheapest, key=lambda row: (table.groups[row], row))
    scores = np.where(table.serves, table.scores, -np.inf)[rows]
    value = float(share @ scores.max(axis=0))
    is_optimal = bound <= value + slack
    return MeasuredResult(
        groups=tuple(table.groups[row] for row in rows),
        served_by=tuple(map(int, scores.argmax(axis=0))),
        task_values=scores.max(axis=0),
        value=value,
        bound=value if is_optimal else float(bound),
        is_optimal=is_optimal,
        cost=float(table.costs[rows].sum()),
        rows=tuple(map(int, rows)),
    )
