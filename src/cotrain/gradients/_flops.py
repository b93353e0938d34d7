"""Floating-point operations of records, counted as those of training are."""

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array


def record(features: csr_array, hidden: list[int], counts: np.ndarray) -> int:
    """Operations of one record of all pairs.

    Parameters
    ----------
    features : csr_array, (B, D)
        The rows of the batch.
    hidden : list of int
        Units of the hidden layers.
    counts : ndarray, (K,)
        Labels of each task in the batch.
    """
    n_rows, n_labels, n_sources = features.shape[0], int(counts.sum()), np.count_nonzero(counts)
    per_feature = np.bincount(features.indices)
    products = features.nnz * hidden[0] + int(per_feature @ per_feature)
    shifts = n_rows * n_labels * hidden[0]
    outputs = n_rows * hidden[-1] * counts.size + (n_sources + 1) * n_labels * hidden[-1]
    gram = (n_rows + n_sources) * n_labels * sum(hidden)
    for below, units in pairwise(hidden):
        products += (n_rows * (n_sources + 1) + n_labels) * below * units
        shifts += n_rows * n_labels * (below + units)
        gram += n_rows**2 * below
    return 2 * (products + shifts + outputs + gram)
