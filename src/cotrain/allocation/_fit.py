import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

Kind = Literal["single", "together", "subset", "level", "augmentation", "affinity", "group"]

# Raised whenever the recipe of training or scoring changes the numbers of a fit, so that stored
# results of the older recipe are not taken for the newer one's.
RECIPE = 4


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


@dataclass(frozen=True)
class FoldUse:
    """What each fold serves for: training (in the order of the levels), choosing, reporting.

    Test folds are the same in all fits of a study, so that no label used to choose is reported on.
    """

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    def __post_init__(self) -> None:
        folds = (*self.train, *self.validation, *self.test)
        if len(set(folds)) < len(folds):
            raise ValueError(f"a fold must serve for one thing only, got {self}")


@dataclass(frozen=True)
class Fit:
    """One model, trained on one allocation by one learner with one seed.

    The identity of a fit (`fit_id`) is made of `allocation`, the evaluation folds, `seed`,
    `task_weights`, `placebo` and the learner's settings; the other attributes say what the fit was
    planned for and are recorded beside it.

    Raises
    ------
    ValueError
        If an evaluation fold is trained on, or the weights are not one a member and positive.
    """

    allocation: Allocation  # the labels that are trained on
    folds: FoldUse  # what the folds serve for; evaluation folds are never trained on
    seed: int  # of the initial weights, the order of examples and the dropout masks
    kind: Kind  # what the fit was planned as
    repeat: int  # of its plan; fits of one repeat are compared with each other
    level: int  # number of training folds that every member is trained on
    auxiliary: int | None = None  # the task that is trained on one fold more (statTAG), if any
    # the factor of each member's loss, members ascending; None: 1 each
    task_weights: tuple[float, ...] | None = None
    learner: str = "network"  # the name of the recipe that trains it (`recipe_name`)
    # if given, the training labels of each task are permuted within each fold, by this seed:
    # counts, overlap and class shares stay, and nothing can be learnt
    placebo: int | None = None

    def __post_init__(self) -> None:
        held_out = {*self.folds.validation, *self.folds.test}
        if leaked := sorted(held_out & set(self.allocation.folds)):
            raise ValueError(f"evaluation folds must not be trained on, got {leaked}")
        weights = self.task_weights
        if weights is not None and not (len(weights) == len(self.members) and min(weights) > 0):
            raise ValueError(
                f"task_weights must be {len(self.members)} positive numbers, one a member, "
                f"got {weights}"
            )

    @property
    def members(self) -> tuple[int, ...]:
        return self.allocation.members


def fit_id(data_version: str, fit: Fit, learner: Mapping[str, Any]) -> str:
    """The identity of a fit: 32 hexadecimal digits.

    Two fits with the same identity have the same result; whoever asks for one that exists gets the
    stored one. `data_version` is the hash of the task table's file; `learner`, the learner's
    settings as plain JSON values.
    """
    identity = {
        "recipe": RECIPE,
        "data": data_version,
        "cells": sorted(fit.allocation.cells),
        "validation": sorted(fit.folds.validation),
        "test": sorted(fit.folds.test),
        "seed": fit.seed,
        "learner": learner,
    }
    if fit.task_weights is not None:
        identity["task_weights"] = fit.task_weights
    if fit.placebo is not None:
        identity["placebo"] = fit.placebo
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def encode_tasks(tasks: Iterable[int]) -> str:
    """A set of tasks as a hexadecimal bit mask: short enough for a tag at hundreds of tasks.

    >>> encode_tasks([0, 2, 5])
    '25'
    """
    return f"{sum(1 << task for task in set(tasks)):x}"


def decode_tasks(code: str) -> tuple[int, ...]:
    """The tasks of a bit mask that `encode_tasks` wrote, ascending.

    >>> decode_tasks("25")
    (0, 2, 5)
    """
    mask = int(code, 16)
    return tuple(task for task in range(mask.bit_length()) if mask >> task & 1)
