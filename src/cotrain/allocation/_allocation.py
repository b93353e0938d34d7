from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Allocation:
    """Which labels a model is trained on: those of task i in fold f for each (i, f) in `cells`.

    These are the ones of a 0/1 matrix, (K, F).

    Examples
    --------
    >>> Allocation.of(n_tasks=3, n_folds=4, tasks=[0, 2], folds=[1]).matrix.astype(int)
    array([[0, 1, 0, 0],
           [0, 0, 0, 0],
           [0, 1, 0, 0]])
    """

    n_tasks: int
    n_folds: int
    cells: frozenset[tuple[int, int]]

    def __post_init__(self) -> None:
        for task, fold in self.cells:
            if not (0 <= task < self.n_tasks and 0 <= fold < self.n_folds):
                raise ValueError(
                    f"cells must lie in a matrix of {self.n_tasks} tasks and {self.n_folds} folds, "
                    f"got {(task, fold)}"
                )

    @classmethod
    def of(
        cls, n_tasks: int, n_folds: int, tasks: Iterable[int], folds: Iterable[int]
    ) -> "Allocation":
        """All labels of `tasks` in `folds`."""
        folds = tuple(folds)
        cells = frozenset((int(task), int(fold)) for task in tasks for fold in folds)
        return cls(n_tasks, n_folds, cells)

    def with_cell(self, task: int, fold: int) -> "Allocation":
        """The same allocation with the labels of `task` in `fold` added."""
        return Allocation(self.n_tasks, self.n_folds, self.cells | {(int(task), int(fold))})

    @property
    def matrix(self) -> np.ndarray:
        """The 0/1 matrix as bool, (K, F)."""
        matrix = np.zeros((self.n_tasks, self.n_folds), dtype=bool)
        for cell in self.cells:
            matrix[cell] = True
        return matrix

    @cached_property
    def members(self) -> tuple[int, ...]:
        """The tasks with at least one fold, ascending."""
        return tuple(sorted({task for task, _ in self.cells}))

    @cached_property
    def folds(self) -> tuple[int, ...]:
        """The folds that are trained on, ascending."""
        return tuple(sorted({fold for _, fold in self.cells}))

    def counts(self, label_counts: np.ndarray) -> np.ndarray:
        """Labels of each task that are trained on, int64 (K,), from counts per (task, fold)."""
        return np.where(self.matrix, label_counts, 0).sum(axis=1)
