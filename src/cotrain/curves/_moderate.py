"""Variances from few repeats, steadied by each other (G. K. Smyth, 2004, the moderated t)."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import polygamma, psi

# Of the largest variance: below this share, a variance is 0 but for rounding.
_ROUNDING = 1e-20


def moderate_variances(variances: np.ndarray, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances drawn to their common value, and their degrees of freedom.

    The true variances are taken to be scaled inverse chi-squared with d0 degrees and mean s0²; both
    are estimated from the spread of the logarithms. Each variance becomes
    (d0 s0² + d s²) / (d0 + d), with d0 + d degrees. No more spread than chance explains gives
    d0 = ∞: one variance for all.

    Parameters
    ----------
    variances : ndarray
        Sample variances s²; NaN where there is none, which stays. A variance of 0 among others, as
        scores in steps give with two or three repeats, is no certainty: it is drawn to them, and
        they alone tell d0 and s0².
    degrees : ndarray
        Their degrees of freedom d, same shape.
    """
    known = np.isfinite(variances) & (degrees > 0)
    # What rounding leaves of equal scores is no spread.
    spread = known & (variances > _ROUNDING * np.max(variances, where=known, initial=0.0))
    if spread.sum() < 3:
        return variances, degrees.astype(float)
    half = degrees[spread] / 2
    logs = np.log(variances[spread]) - psi(half) + np.log(half)
    extra = float(logs.var(ddof=1) - polygamma(1, half).mean())
    prior_degrees = 2 * _inverse_trigamma(extra) if extra > 1e-8 else np.inf
    if np.isinf(prior_degrees):
        pooled = np.exp(logs.mean())
        return np.where(known, pooled, variances), np.where(known, np.inf, degrees)
    typical = np.exp(logs.mean() + psi(prior_degrees / 2) - np.log(prior_degrees / 2))
    total = prior_degrees + degrees
    steadied = (prior_degrees * typical + degrees * np.where(known, variances, 0.0)) / total
    return np.where(known, steadied, variances), np.where(known, total, degrees)


def _inverse_trigamma(value: float) -> float:
    """The x with trigamma(x) = value."""
    low, high = min(0.5 / value, 1 / np.sqrt(value)) * 0.5, 1 / value + 1
    return float(brentq(lambda x: float(polygamma(1, x)) - value, low, high))
