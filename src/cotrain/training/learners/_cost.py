"""The sizes of what is trained, for estimates of time."""

from collections.abc import Sequence

import numpy as np

from cotrain.allocation import Fit
from cotrain.tasks import TaskTable


def member_sizes(table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
    """Training labels of each task in each fit, float64 (n_fits, K); 0 for those not in it."""
    counts = [fit.allocation.counts(table.label_counts) for fit in fits]
    return np.array(counts, dtype=np.float64).reshape(len(fits), table.n_tasks)
