from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.tasks import TaskKind


@dataclass(frozen=True, eq=False)
class LabelMatrix:
    """Labels with their names, before features and folds make a task table of them.

    Attributes
    ----------
    examples : ndarray of str, (N,)
        Sorted names.
    tasks : tuple of str, (K,)
    kind : {"binary", "real"}
    values : csr_array of float32, (N, K)
        A stored entry is a known label, stored zeros included.
    """

    examples: np.ndarray
    tasks: tuple[str, ...]
    kind: TaskKind
    values: csr_array

    @classmethod
    def of(cls, labels: pd.DataFrame, tasks: Sequence[str], kind: TaskKind) -> "LabelMatrix":
        """Arrange distinct (example, task, label) rows as a matrix."""
        examples, row = np.unique(labels["example"].to_numpy(dtype=object), return_inverse=True)
        column = pd.Index(tasks).get_indexer(pd.Index(labels["task"]))
        data = labels["label"].to_numpy(dtype=np.float32)
        shape = (examples.size, len(tasks))
        order = np.lexsort((column, row))
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=examples.size))])
        values = csr_array((data[order], column[order].astype(np.int32), indptr), shape=shape)
        return cls(examples, tuple(tasks), kind, values)

    def without(self, tasks: Collection[str]) -> "LabelMatrix":
        """The labels of all other tasks, of the examples that have one."""
        kept = [at for at, task in enumerate(self.tasks) if task not in tasks]
        values = csr_array(self.values[:, kept])
        labelled = np.diff(values.indptr) > 0
        values = csr_array(values[np.flatnonzero(labelled)])
        values.sort_indices()
        names = tuple(self.tasks[at] for at in kept)
        return LabelMatrix(self.examples[labelled], names, self.kind, values)

    def counts(self) -> dict[str, int]:
        """Number of labels of each task."""
        counts = np.bincount(self.values.indices, minlength=len(self.tasks))
        return dict(zip(self.tasks, counts.tolist(), strict=True))
