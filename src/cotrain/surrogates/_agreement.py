import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cotrain.arrays import Array


def spearman_by_target(predicted: ArrayLike, measured: ArrayLike) -> Array:
    """Spearman correlation over subsets, for each target, shape (n_tasks,).

    Parameters
    ----------
    predicted, measured : arrays, each of shape (n_subsets, n_tasks)
        Entries that are NaN in one of the two do not count.

    Returns
    -------
    ndarray
        NaN for a target with fewer than 3 entries or without any spread.
    """
    return np.array(
        [
            stats.spearmanr(p, m).statistic
            if len(p) > 2 and min(np.ptp(p), np.ptp(m)) > 0
            else np.nan
            for p, m in _known_pairs(predicted, measured)
        ]
    )


def relative_error_by_target(predicted: ArrayLike, measured: ArrayLike) -> Array:
    """Squared error over the variance of the measured scores, for each target."""
    return np.array(
        [
            np.mean((p - m) ** 2) / np.var(m) if len(p) > 2 and np.ptp(m) > 0 else np.nan
            for p, m in _known_pairs(predicted, measured)
        ]
    )


def _known_pairs(predicted: ArrayLike, measured: ArrayLike) -> list[tuple[Array, Array]]:
    predicted, measured = np.asarray(predicted), np.asarray(measured)
    known = ~np.isnan(predicted) & ~np.isnan(measured)
    return [
        (predicted[known[:, target], target], measured[known[:, target], target])
        for target in range(measured.shape[1])
    ]
