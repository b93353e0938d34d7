"""What users should know of their labels before anything is trained."""

import numpy as np
import pandas as pd

from cotrain.preparation._labels import IN_THE_DATA, LabelMatrix
from cotrain.preparation._values import Labelled
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
    known = labels.values.copy()
    known.data = np.ones(known.data.size)
    both = np.asarray((known.T @ known).todense(), dtype=np.float64)
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
