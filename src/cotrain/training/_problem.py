"""What one fit trains on and is scored on, as flat arrays."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from cotrain.allocation import Fit, FoldUse, Rotation, subset_fit
from cotrain.exceptions import FitError
from cotrain.tasks import TaskTable


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of some members in some folds."""

    # (n_rows,) of int64: the examples that have at least one of the labels, ascending
    rows: np.ndarray
    start: np.ndarray  # (n_rows + 1,) of int64: where each row's labels begin and end
    member: np.ndarray  # (n_labels,) of int32: the place of each label's task among the members
    truth: np.ndarray  # (n_labels,) of float32: the labels
    # (n_labels,) of float64: the factor of each label's loss: its task's weight times its
    # example's, and the balance
    weight: np.ndarray
    # (n_labels,) of int8: 0 a label, 1 what a real value is above, -1 what it is below
    side: np.ndarray

    @property
    def row(self) -> np.ndarray:
        """The place among `rows` of each label's example, int64 (n_labels,)."""
        return np.repeat(np.arange(self.rows.size), np.diff(self.start))

    def within(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The labels of the rows at the places `batch`, and which of those each is of, (n,)."""
        length = np.diff(self.start)[batch]
        label = np.repeat(self.start[batch] - (np.cumsum(length) - length), length)
        label += np.arange(label.size)
        return label, np.repeat(np.arange(batch.size), length)


@dataclass(frozen=True, eq=False)
class Problem:
    """One fit's share of a task table."""

    members: np.ndarray  # (n_members,) of int64: the tasks that are trained
    is_binary: np.ndarray  # (n_members,) of bool: the kind of each member
    # (n_members,) of float64: real-valued labels are trained as (label - shift) / scale: the mean
    # and the standard deviation of the member's training labels. Binary members have 0 and 1
    shift: np.ndarray
    scale: np.ndarray
    n_labels: np.ndarray  # (n_members,) of int64: training labels of each member
    # the labels by their use
    train: Labels
    validation: Labels
    test: Labels

    @classmethod
    def of(
        cls, table: TaskTable, fit: Fit, balance: float = 0.0, bounds: bool = False
    ) -> "Problem":
        """The problem of `fit`; with `bounds` they are among the training labels.

        With `balance` training labels of a task weigh its number of them to the power of -balance,
        and as much as without it in all: 0, each label counts alike; 1, each task.

        Raises
        ------
        FitError
            If there is nothing to learn: no training label, a label that is not finite, or no
            member with two different training labels.
        """
        members = np.array(fit.members, dtype=np.int64)
        task_weights = np.ones(members.size) if fit.task_weights is None else fit.task_weights
        evaluated = np.zeros((2, table.n_tasks, table.n_folds), dtype=bool)
        evaluated[0][members[:, None], list(fit.folds.validation)] = True
        evaluated[1][members[:, None], list(fit.folds.test)] = True
        labelled, side = table.with_bounds if bounds else (table, None)
        train = _labels(labelled, members, task_weights, fit.allocation.matrix, side)
        validation, test = (
            _labels(table, members, task_weights, use & ~fit.allocation.matrix) for use in evaluated
        )
        is_binary = table.is_binary[members]
        if fit.placebo is not None:
            train = _permuted(table, members, train, fit.placebo)
        for labels in (train, validation, test):
            if (wrong := labels.member[~np.isfinite(labels.truth)]).size:
                task = table.tasks[members[wrong[0]]]
                raise FitError(f"a label of the task `{task}` is not a finite number; correct it")
        member, truth = train.member[train.side == 0], train.truth[train.side == 0]
        _check_variety(table, members, member, truth)
        shift, scale = _standard(member, truth, is_binary)
        n_labels = np.bincount(member, minlength=members.size)
        if balance > 0:
            weight = train.weight * np.maximum(n_labels, 1.0)[train.member] ** -balance
            train = replace(train, weight=weight * (train.weight.sum() / weight.sum()))
        return cls(members, is_binary, shift, scale, n_labels, train, validation, test)

    @classmethod
    def of_all(cls, table: TaskTable) -> "Problem":
        """The problem of training all tasks on all labels."""
        folds = FoldUse(tuple(range(table.n_folds)), (), ())
        repeat = Rotation(0, folds, 0)
        return cls.of(table, subset_fit(table.n_tasks, range(table.n_tasks), table.n_folds, repeat))

    @property
    def facts(self) -> dict[str, np.ndarray]:
        """What a trained model says of its members: see `Trained`."""
        return {
            "tasks": self.members,
            "is_binary": self.is_binary,
            "shift": self.shift,
            "scale": self.scale,
        }

    def targets(self, labels: Labels) -> np.ndarray:
        """The labels as they are trained on, float64 (n_labels,)."""
        return (labels.truth - self.shift[labels.member]) / self.scale[labels.member]

    def base_logits(self) -> np.ndarray:
        """The logit of each binary member's share of positive training labels, 0 of real ones.

        Half a label of each class is added, so that it is finite.
        """
        positive = np.where(self.is_binary[self.train.member], self.train.truth, 0.0)
        n_positive = np.bincount(self.train.member, positive, self.members.size)
        n_negative = self.n_labels - n_positive
        return np.where(self.is_binary, np.log(n_positive + 0.5) - np.log(n_negative + 0.5), 0.0)

    def base_outputs(self) -> np.ndarray:
        """What the base rate says of each member: `base_logits`, or the mean of real labels."""
        return np.where(self.is_binary, self.base_logits(), self.shift)

    def logit_limits(self) -> np.ndarray:
        """The size of each member's base logit if its labels were all of one class, log(2 n + 1).

        No model is to be surer than that.
        """
        return np.log(2.0 * self.n_labels + 1)


def _labels(
    table: TaskTable,
    members: np.ndarray,
    task_weights: ArrayLike,
    use: np.ndarray,
    side: np.ndarray | None = None,
) -> Labels:
    """The labels of the cells in `use`, bool (K, F), in the table's order."""
    places, begin = table.labels_by_cell
    cells = np.flatnonzero(use)
    chosen = np.sort(
        np.concatenate([places[:0], *(places[begin[c] : begin[c + 1]] for c in cells)])
    )
    rows, first = np.unique(table.label_rows[chosen], return_index=True)
    member = np.searchsorted(members, table.labels.indices[chosen]).astype(np.int32)
    weight = np.asarray(task_weights, dtype=np.float64)[member]
    if table.example_weights is not None:
        weight = weight * table.example_weights[table.label_rows[chosen]]
    start = np.append(first, chosen.size)
    sides = np.zeros(chosen.size, dtype=np.int8) if side is None else side[chosen]
    return Labels(rows, start, member, table.labels.data[chosen], weight, sides)


def _permuted(table: TaskTable, members: np.ndarray, train: Labels, seed: int) -> Labels:
    """The labels of each task in each fold in another order, the same in every fit of a seed."""
    truth, side = train.truth.copy(), train.side.copy()
    fold = table.folds[train.rows][train.row]
    for place, task in enumerate(members):
        for at in np.unique(fold[train.member == place]):
            cell = np.flatnonzero((train.member == place) & (fold == at))
            rng = np.random.default_rng([seed, int(task), int(at)])
            order = rng.permutation(cell)
            truth[cell], side[cell] = truth[order], side[order]
    return replace(train, truth=truth, side=side)


def _standard(
    member: np.ndarray, truth: np.ndarray, is_binary: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    n = np.maximum(np.bincount(member, minlength=is_binary.size), 1)
    truth = truth.astype(np.float64)
    mean = np.bincount(member, weights=truth, minlength=is_binary.size) / n
    deviation = (truth - mean[member]) ** 2
    spread = np.sqrt(np.bincount(member, weights=deviation, minlength=is_binary.size) / n)
    shift = np.where(is_binary, 0.0, mean)
    return shift, np.where(is_binary | (spread == 0), 1.0, spread)


def _check_variety(
    table: TaskTable, members: np.ndarray, member: np.ndarray, truth: np.ndarray
) -> None:
    if truth.size == 0:
        raise FitError("no training label: none of its tasks has a label in its training folds")
    low, high = np.full(members.size, np.inf), np.full(members.size, -np.inf)
    np.minimum.at(low, member, truth)
    np.maximum.at(high, member, truth)
    if not (high > low).any():
        first = members[member[0]]
        what = "one class" if table.is_binary[first] else "one value"
        task = table.tasks[first]
        raise FitError(f"only {what} among the training labels of the task `{task}`")


def can_learn(table: TaskTable, fit: Fit) -> bool:
    """Whether some member of `fit` has two different training labels."""
    try:
        Problem.of(table, fit)
    except FitError:
        return False
    return True
