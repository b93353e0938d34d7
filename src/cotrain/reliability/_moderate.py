"""Variances from few repeats, steadied by each other (after G. K. Smyth, 2004, the moderated t)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import polygamma, psi

from cotrain.arrays import Array

# Of the largest variance: below this share, a variance is 0 but for rounding.
_ROUNDING = 1e-20
# Variance of a mean logarithm of which nothing is known.
_UNKNOWN = 1e6


def moderate_variances(variances: ArrayLike, degrees: ArrayLike) -> tuple[Array, Array]:
    """Variances drawn to what others of their target say, and their degrees of freedom.

    The logarithms of the true variances scatter between targets, and within them; both spreads are
    estimated beside what chance gives. What is foretold of a variance is then a scaled inverse
    chi-squared with d0 degrees and typical value s0², its own to each target; the variance becomes
    (d0 s0² + d s²) / (d0 + d), with d0 + d degrees. Both spreads are taken one standard error
    larger than they are found: too small a one would make certainty of chance, and too much of
    quiet targets in the intervals of loud ones.

    Parameters
    ----------
    variances : array, shape (n_targets, n) or (n,)
        Sample variances s²; NaN where there is none, which stays. One axis: all of one target. A
        variance of 0 among others, as scores in steps give with two or three repeats, is no
        certainty: it is drawn to them, and they alone tell d0 and s0².
    degrees : array of the same shape
        Their degrees of freedom d.

    Returns
    -------
    variances, degrees : ndarrays of the same shape
        As they were where fewer than three variances above 0 are known.
    """
    values = np.asarray(variances, dtype=np.float64)
    own = np.asarray(degrees, dtype=np.float64)
    if values.ndim == 1:
        steadied, total = moderate_variances(values[None], own[None])
        return steadied[0], total[0]
    known = np.isfinite(values) & (own > 0)
    # What rounding leaves of equal scores is no spread.
    spread = known & (values > _ROUNDING * np.max(values, where=known, initial=0.0))
    if spread.sum() < 3:
        return values, own
    typical, prior = _foretold(values, own, spread)
    total = prior + own
    steadied = (prior * typical + own * np.where(known, values, 0.0)) / total
    return np.where(known, steadied, values), np.where(known, total, own)


def _foretold(variances: Array, degrees: Array, spread: NDArray[np.bool_]) -> tuple[Array, Array]:
    """The typical variance of each target and the degrees it counts for, (n_targets, 1) each."""
    half = np.where(spread, degrees, 2.0) / 2
    logs = np.log(np.where(spread, variances, 1.0)) - psi(half) + np.log(half)
    n = spread.sum(axis=1)
    mean = _mean(logs, spread)
    chance = _mean(polygamma(1, half), spread)
    free = np.maximum(n - 1, 0)
    n_free = max(float(free.sum()), 1.0)
    found = np.sum(np.where(spread, logs - mean[:, None], 0.0) ** 2) / n_free
    by_chance = float(free @ chance) / n_free
    fourth = float(free @ _mean(polygamma(3, half), spread)) / n_free
    within = max(float(found) - by_chance, 0.0)
    # Of a sample variance of logarithms, whose fourth cumulant is that of log chi-squared.
    within += np.sqrt((fourth + 2 * (within + by_chance) ** 2) / n_free)
    error = np.where(n > 0, (within + chance) / np.maximum(n, 1), _UNKNOWN)
    level, uncertain = _levels(mean, error, n > 0)
    prior = np.array([2 * _inverse_trigamma(within + extra) for extra in uncertain])[:, None]
    return np.exp(level[:, None] + psi(prior / 2) - np.log(prior / 2)), prior


def _levels(mean: Array, error: Array, known: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Targets' mean logarithms drawn to the common one, and the variances of their errors."""
    between = 0.0
    if known.sum() > 1:
        spread = float(mean[known].var(ddof=1))
        between = max(spread - float(error[known].mean()), 0.0)
        between += spread * np.sqrt(2 / (known.sum() - 1))
    weight = 1 / (between + error)
    common = float(weight @ mean / weight.sum())
    kept = between * weight
    variance = kept * error + (1 - kept) ** 2 / weight.sum()
    return common + kept * (mean - common), variance


def _mean(values: Array, known: NDArray[np.bool_]) -> Array:
    """Mean of the known values of each row, 0 where there is none."""
    return np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _inverse_trigamma(value: float) -> float:
    low, high = min(0.5 / value, 1 / np.sqrt(value)) * 0.5, 1 / value + 1
    return float(brentq(lambda x: float(polygamma(1, x)) - value, low, high))
