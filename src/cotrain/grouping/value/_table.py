"""What networks were measured to score: several for one set of tasks, each with its own cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from cotrain.grouping.value._groups import Floats, Members
from cotrain.grouping.value._objective import Grouping, as_matrix


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
