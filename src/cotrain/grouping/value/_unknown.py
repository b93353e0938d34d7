"""Pairs of tasks that were never seen together."""

import numpy as np
from numpy.typing import ArrayLike

from cotrain.grouping.value._groups import Floats


def fill_unknown_pairs(affinity: ArrayLike) -> Floats:
    """Return `affinity` with its unknown pairs filled in, neither for nor against them.

    A pair takes the mean of what its recipient is known to get from other sources; where a
    recipient has no known source, the mean of all known pairs. 0 would say that the two neither
    help nor harm, which nobody saw.

    Parameters
    ----------
    affinity : array, shape (n_tasks, n_tasks)
        Row: recipient; column: source; NaN where unknown. The diagonal is not used.

    Returns
    -------
    ndarray, shape (n_tasks, n_tasks)
        NaN on the diagonal alone.

    Raises
    ------
    ValueError
        If no pair is known.

    Examples
    --------
    >>> nan = float("nan")
    >>> fill_unknown_pairs([[nan, 1, 3], [2, nan, nan], [nan, nan, nan]])
    array([[nan,  1.,  3.],
           [ 2., nan,  2.],
           [ 2.,  2., nan]])
    """
    filled = np.array(affinity, dtype=float)
    np.fill_diagonal(filled, np.nan)
    known = ~np.isnan(filled)
    if not known.any():
        raise ValueError("affinity must hold a known pair of tasks, got none; record more steps")
    count = known.sum(axis=1)
    total = np.where(known, filled, 0.0).sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), filled[known].mean())
    filled = np.where(known, filled, mean[:, None])
    np.fill_diagonal(filled, np.nan)
    return filled
