import numpy as np
from scipy.sparse import csr_array

from cotrain.splits._balance import group_folds


def random_folds(labels: csr_array, n_folds: int, seed: int) -> np.ndarray:
    """Return a random fold for each example, labels balanced as in `group_folds`.

    Parameters
    ----------
    labels : csr_array, (N, K)
        The known labels.
    n_folds : int
        The number of folds F.
    seed : int
        Another seed gives other folds.

    Returns
    -------
    ndarray of int64, (N,)
        Folds in 0 .. F - 1.
    """
    return group_folds(np.arange(labels.shape[0]), labels, n_folds, seed)
