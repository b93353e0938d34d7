"""What users should know of their labels before anything is trained, and what tasks share."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.preparation._labels import IN_THE_DATA, LabelMatrix
from cotrain.preparation._values import Labelled
from cotrain.tasks import TaskTable
from cotrain.words import listing

_SHOWN = 5
# What to change where folds leave a task without labels that differ.
_ADVICE = {
    "random": "fewer folds (`prepare.n_folds`)",
    "column": "other folds than the column's (`prepare.split: {kind: random}`)",
    "scaffold": "fewer folds (`prepare.n_folds`) or `prepare.split: {kind: random}`",
}
# Below, gradient affinities are reported to be noise (arXiv 2604.07848).
_FEW_SHARED = 0.3


def data_notes(
    labelled: Labelled, excluded: pd.DataFrame, labels: LabelMatrix, split: str
) -> list[str]:
    """Return notes on tasks left out, bounds that are no labels, and examples that tasks share."""
    notes = []
    if len(excluded):
        reasons = [f"`{row.task}` ({row.reason})" for row in excluded.itertuples()]
        unlucky = ~excluded["reason"].str.endswith(IN_THE_DATA)
        how = _ADVICE.get(split, _ADVICE["scaffold"])
        back = "them back" if unlucky.all() else f"back {unlucky.sum()} of them"
        advice = f"; {how} may bring {back}" if unlucky.any() else ""
        notes.append(f"left out: {listing(reasons, _SHOWN)}{advice}")
    tasks = labelled.tasks
    bounds = tasks[(tasks["n_undecided"] > 0)]
    if len(bounds):
        counts = [
            f"`{row.task}` {row.n_undecided} of {row.n_values}" for row in bounds.itertuples()
        ]
        notes.append(f"values that are bounds, no labels: {listing(counts, _SHOWN)}")
    if twins := _twins(labels):
        notes.append(
            f"tasks with the same labels: {listing(twins, _SHOWN)}; each helps the other as its "
            "copy would, so leave one of them out"
        )
    known = _ones(labels.values)
    both = (known.T @ known).toarray()
    smaller = np.minimum.outer(both.diagonal(), both.diagonal())
    pairs = (both / np.maximum(smaller, 1))[np.triu_indices(len(both), 1)]
    n_few = int((pairs < _FEW_SHARED).sum())
    if n_few:
        notes.append(
            f"{n_few} of {pairs.size} pairs of tasks share under {_FEW_SHARED:.0%} of the smaller "
            "one's examples: gradient affinities between them tell where examples lie more than "
            "what tasks share; subsets and the validation are experiments and hold"
        )
    return notes


def _twins(labels: LabelMatrix) -> list[str]:
    """Pairs of tasks that have the same labels of the same examples."""
    by_task, first = labels.values.tocsc(), dict[tuple[bytes, bytes], str]()
    found = []
    for at, task in enumerate(labels.tasks):
        part = slice(by_task.indptr[at], by_task.indptr[at + 1])
        key = (by_task.indices[part].tobytes(), by_task.data[part].tobytes())
        if (twin := first.setdefault(key, task)) != task:
            found.append(f"`{twin}` and `{task}`")
    return found


def overlap_table(table: TaskTable, groups: Sequence[str] | np.ndarray) -> pd.DataFrame:
    """Examples and groups that two tasks share, one row an ordered pair that shares a group.

    `groups`, (N,), are what the split keeps together, such as the scaffold of each example.
    Columns: target, source; n_shared, examples that both have labels of, in all folds; share, of
    the target's examples; group_share, of the target's groups, those in which the source has a
    label too.
    """
    known = _ones(table.labels)  # stored zeros are labels
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    member = csr_array((np.ones(len(group)), (group, np.arange(len(group)))))
    in_groups = _ones(member @ known)
    shared_groups = (in_groups.T @ in_groups).tocoo()
    target, source = shared_groups.coords
    pairs = np.flatnonzero(target != source)
    pairs = pairs[np.lexsort((source[pairs], target[pairs]))]
    target, source = target[pairs], source[pairs]
    n_shared = np.empty(0)  # SciPy takes no pairs for a matrix
    if pairs.size:
        n_shared = csr_array(known.T @ known)[target, source]
    n_examples, n_groups = (np.asarray(one.sum(axis=0)) for one in (known, in_groups))
    names = np.array(table.tasks, dtype=object)
    return pd.DataFrame(
        {
            "target": names[target],
            "source": names[source],
            "n_shared": n_shared.astype(np.int64),
            "share": n_shared / n_examples[target],
            "group_share": shared_groups.data[pairs] / n_groups[target],
        }
    )


def _ones(values: csr_array) -> csr_array:
    """1 where something is stored."""
    known = csr_array(values, dtype=np.float64, copy=True)
    known.data[:] = 1.0
    return known
