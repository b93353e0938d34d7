"""The mean of what is known."""

import numpy as np
from numpy.typing import ArrayLike


def mean_known(values: ArrayLike, axis: int = 0) -> np.ndarray:
    """Mean over an axis of the values that are not NaN; NaN where there is none."""
    values = np.asarray(values)
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(total / np.where(known.any(axis=axis), known.sum(axis=axis), np.nan))
