from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit  # scipy.stats takes half a second

from cotrain.arrays import Array

CONFIDENCE = 0.95
"""Of each interval by itself."""


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its 95 % interval; arrays of one shape, NaN where unknown.

    Attributes
    ----------
    estimate, low, high : ndarray
        In units of the score.
    p_value : ndarray
        Two-sided, of a true value of 0.
    n : ndarray of int
        Number of values behind each estimate.
    """

    estimate: Array
    low: Array
    high: Array
    p_value: Array
    n: NDArray[np.int64]


def paired_interval(differences: ArrayLike, *, without: ArrayLike | None = None) -> Interval:
    """Mean difference over repeats with Student's interval, for each column.

    Parameters
    ----------
    differences : array, shape (n_repeats, ...)
        Differences between two fits of the same repeat; NaN where one is missing.
    without : array, shape (n_parts, ...) or None
        Mean differences over repeats with one of several equal parts of the scored examples left
        out each. The interval then counts examples beside repeats: the variance of the grouped
        jackknife (Shao and Tu 1995, section 2.3) is added, and degrees of freedom are
        Satterthwaite's.

    Arrays of the result have the shape of one repeat; ends and p-value are NaN below two values.

    Raises
    ------
    ValueError
        If the shapes do not fit or a difference is infinite.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim < 1 or len(values) < 1:
        raise ValueError(f"differences must hold at least one repeat, got shape {values.shape}")
    if np.isinf(values).any():
        raise ValueError("differences must be finite, or NaN where missing, got inf")
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.where(n > 0, n, np.nan)
    square = np.where(known, values - mean, 0.0) ** 2
    variance = square.sum(axis=0) / np.where(n > 1, n - 1, np.nan) / np.maximum(n, 1)
    dof = np.maximum(n - 1, 1).astype(np.float64)
    if without is not None:
        variance, dof = _with_examples(variance, dof, np.asarray(without, dtype=np.float64))
    error = np.sqrt(variance)
    reach = stdtrit(dof, 0.5 + CONFIDENCE / 2) * error
    # No spread at all but for rounding: certain, unless the difference is 0.
    error = np.where(error <= 1e-14 * np.abs(mean), 0.0, error)
    ratio = np.abs(mean) / np.where(error > 0, error, np.nan)
    p_value = np.where(error == 0, np.where(mean == 0, 1.0, 0.0), 2 * stdtr(dof, -ratio))
    return Interval(mean, mean - reach, mean + reach, np.where(n > 1, p_value, np.nan), n)


def _with_examples(variance: Array, dof: Array, without: Array) -> tuple[Array, Array]:
    """Variances and degrees of freedom with those of the grouped jackknife added."""
    n_parts, shape = len(without), dof.shape
    if n_parts < 2 or without.shape[1:] != shape:
        raise ValueError(f"without must have shape (n_parts >= 2, *{shape}), got {without.shape}")
    added = (n_parts - 1) / n_parts * ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    total = variance + added
    spread = variance**2 / dof + added**2 / (n_parts - 1)
    return total, np.where(spread > 0, total**2 / np.where(spread > 0, spread, 1.0), dof)
