"""Whether linear models are rejected: target by target, and for all targets at once."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def rejected(p_value: Array, fdr: float = 0.05) -> NDArray[np.bool_]:
    """The linear models rejected at a false discovery rate (Benjamini and Hochberg), (n_tasks,)."""
    known, found = ~np.isnan(p_value), np.zeros(p_value.shape, dtype=bool)
    if known.any():
        found[known] = stats.false_discovery_control(p_value[known]) <= fdr
    return found


def overall_p_value(p_value: Array) -> float:
    """Of linear truths for all targets at once: what each target alone is too noisy to show.

    By the Cauchy combination (Liu and Xie 2020), which allows for the fits that targets share.
    """
    known = p_value[~np.isnan(p_value)]
    if not len(known):
        return np.nan
    # Away from 0 and 1, where the tangent overflows.
    mean = float(np.mean(stats.cauchy.isf(np.clip(known, 1e-15, 1 - 1e-15))))
    return float(stats.cauchy.sf(mean))
