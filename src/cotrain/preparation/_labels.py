"""Labels as a matrix with names; which tasks can be learned and scored, and why others cannot."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.tasks import TaskKind, TaskTable

# Where labels are alike in all folds, so that no other folds help.
IN_THE_DATA = "in the data"
# The least variance of a real-valued task's labels in folds, as a share of that of all its labels.
# Below, an error as large as the labels' own spread is an R² of -20, and of hundreds of tasks one
# such decides the mean.
_LEAST_VARIANCE = 0.05


@dataclass(frozen=True, eq=False)
class LabelMatrix:
    """Labels with their names, before features and folds make a task table of them."""

    examples: np.ndarray  # sorted names, (N,)
    tasks: tuple[str, ...]
    kinds: tuple[TaskKind, ...]
    values: csr_array  # float32 (N, K); a stored entry is a known label, stored zeros included

    @classmethod
    def of(
        cls, labels: pd.DataFrame, tasks: Sequence[str], kinds: Sequence[TaskKind]
    ) -> "LabelMatrix":
        row, found = pd.factorize(labels["example"], sort=True)
        examples = np.asarray(found, dtype=object)
        values = arrange(labels, row, tasks, (examples.size, len(tasks)))
        return cls(examples, tuple(tasks), tuple(kinds), values)

    def without(self, tasks: Collection[str]) -> "LabelMatrix":
        kept = [at for at, task in enumerate(self.tasks) if task not in tasks]
        values = csr_array(self.values[:, kept])
        labelled = np.diff(values.indptr) > 0
        values = csr_array(values[np.flatnonzero(labelled)])
        values.sort_indices()
        names, kinds = [self.tasks[at] for at in kept], [self.kinds[at] for at in kept]
        return LabelMatrix(self.examples[labelled], tuple(names), tuple(kinds), values)

    def counts(self) -> dict[str, int]:
        counts = np.bincount(self.values.indices, minlength=len(self.tasks))
        return dict(zip(self.tasks, counts.tolist(), strict=True))


def arrange(
    labels: pd.DataFrame, row: np.ndarray, tasks: Sequence[str], shape: tuple[int, int]
) -> csr_array:
    """Return the column `label` of distinct (row, task) cells as a matrix, indices sorted."""
    column = pd.Index(tasks).get_indexer(pd.Index(labels["task"]))
    found = csr_array((labels["label"].to_numpy(dtype=np.float32), (row, column)), shape=shape)
    found.sort_indices()
    return found


def one_sided_tasks(labels: LabelMatrix, chosen: np.ndarray, where: str) -> dict[str, str]:
    """Return why tasks cannot be learned of some rows, by task: all labels are alike, or none."""
    by_task = (matrix.tocsc() for matrix in (labels.values, labels.values[chosen]))
    parts = (np.split(matrix.data, matrix.indptr[1:-1]) for matrix in by_task)
    reasons = {}
    for task, kind, every, values in zip(labels.tasks, labels.kinds, *parts, strict=True):
        if np.unique(values).size < 2:
            reasons[task] = f"{_lack(values, kind)} {where}"
        elif kind == "real" and values.var() < _LEAST_VARIANCE * every.var():
            reasons[task] = f"{values.size} labels, nearly alike beside all others, {where}"
    return reasons


def unscorable_tasks(
    labels: LabelMatrix, folds: np.ndarray, evaluations: Sequence[Sequence[int]]
) -> dict[str, str]:
    """Return why tasks cannot be scored, by task: the first set of folds that lacks a class.

    Of real values, the first where they are alike, or nearly so.
    """
    reasons: dict[str, str] = {}
    for evaluation in evaluations:
        named = ", ".join(str(fold) for fold in evaluation)
        where = f"in fold{'s' * (len(evaluation) > 1)} {named}"
        chosen = np.flatnonzero(np.isin(folds, list(evaluation)))
        reasons = one_sided_tasks(labels, chosen, where) | reasons
    return reasons


def excluded_table(labels: LabelMatrix, reasons: dict[str, str]) -> pd.DataFrame:
    """Return one row an excluded task: task, n_labels, reason."""
    counts = labels.counts()
    rows = [(task, counts[task], reasons[task]) for task in labels.tasks if task in reasons]
    return pd.DataFrame(rows, columns=["task", "n_labels", "reason"])


def count_table(table: TaskTable) -> pd.DataFrame:
    """Return the labels of each task in each fold: task, fold, n_labels, n_positive.

    `n_positive` is missing for real-valued tasks.
    """
    positive = pd.array(table.positive_counts.ravel(), dtype="Int64")
    positive[np.repeat(~table.is_binary, table.n_folds)] = pd.NA
    counts = {
        "task": np.repeat(np.array(table.tasks, dtype=object), table.n_folds),
        "fold": np.tile(np.arange(table.n_folds), table.n_tasks),
        "n_labels": table.label_counts.ravel(),
        "n_positive": positive,
    }
    return pd.DataFrame(counts)


def _lack(values: np.ndarray, kind: TaskKind) -> str:
    if values.size == 0:
        return "no label"
    if kind == "real":
        return f"all labels ({values.size}) are {values[0]:g}"
    return f"all labels ({values.size}) are {'positive' if values[0] > 0 else 'negative'}"
