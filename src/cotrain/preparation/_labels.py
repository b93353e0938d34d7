"""Labels as a matrix with names."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.tasks import TaskKind


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
        names = tuple(self.tasks[at] for at in kept)
        kinds = tuple(self.kinds[at] for at in kept)
        return LabelMatrix(self.examples[labelled], names, kinds, values)

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
