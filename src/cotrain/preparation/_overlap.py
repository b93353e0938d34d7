"""How far tasks are measured on the same examples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.tables import pair_frame
from cotrain.tasks import TaskTable


def overlap_table(table: TaskTable, groups: Sequence[str] | np.ndarray) -> pd.DataFrame:
    """Examples and groups that two tasks share, one row an ordered pair of tasks.

    Parameters
    ----------
    table : TaskTable
    groups : sequence of str, (N,)
        What the split keeps together, such as the scaffold of each example.

    Returns
    -------
    DataFrame
        target, source; n_shared, examples that both have labels of, in all folds; share, of the
        target's examples; group_share, of the target's groups, those in which the source has a
        label too.
    """
    known = csr_array(table.labels, dtype=np.float64, copy=True)
    known.data[:] = 1.0  # stored zeros are labels
    n_shared, share = _shared(known)
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    member = csr_array((np.ones(len(group)), (group, np.arange(len(group)))))
    in_groups = csr_array(member @ known)
    in_groups.data[:] = 1.0
    _, group_share = _shared(in_groups)
    columns = {"n_shared": n_shared.astype(np.int64), "share": share, "group_share": group_share}
    return pair_frame(table.tasks, columns)


def _shared(known: csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Rows that two columns of 0 and 1 share, (K, K), and that as a share of the first's rows."""
    common = (known.T @ known).toarray()
    return common, common / np.diag(common)[:, None]
