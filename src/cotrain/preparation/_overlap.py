"""How far tasks are measured on the same examples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.tasks import TaskTable


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
