import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from cotrain.reliability._multiple import benjamini_hochberg

HELPS, HURTS, UNDECIDED, UNKNOWN = "helps", "hurts", "undecided", "unknown"


def verdicts(effect: ArrayLike, p_value: ArrayLike, fdr: float) -> NDArray[np.str_]:
    """Helps, hurts, undecided or unknown for each effect, at a false discovery rate.

    Benjamini and Hochberg (1995) over all p-values that are known.

    Parameters
    ----------
    effect, p_value : arrays of one shape
        P-values are of no effect; NaN where unknown.
    fdr : float
        Share of false verdicts that is expected among helps and hurts, between 0 and 1.
    """
    effect, p_value = np.asarray(effect), np.asarray(p_value)
    known = ~np.isnan(p_value)
    verdict = np.where(known, UNDECIDED, UNKNOWN)
    if known.any():
        decided = np.zeros(effect.shape, dtype=bool)
        decided[known] = benjamini_hochberg(p_value[known]) <= fdr
        verdict[decided & (effect > 0)] = HELPS
        verdict[decided & (effect < 0)] = HURTS
    return verdict


def interval_verdicts(
    estimate: ArrayLike, low: ArrayLike, high: ArrayLike, fdr: float
) -> NDArray[np.str_]:
    """`verdicts` of estimates of which the ends of their 95 % intervals are known, and no more.

    The p-value is the normal one of the distance to 0.

    Parameters
    ----------
    estimate, low, high : arrays of one shape
        NaN where unknown.
    fdr : float
        As in `verdicts`.
    """
    estimate, low, high = (np.asarray(part, dtype=np.float64) for part in (estimate, low, high))
    reach = np.where(estimate > 0, estimate - low, high - estimate)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(estimate == 0, 0.0, np.abs(estimate) / reach)
    p_value = 2 * ndtr(-distance * ndtri(0.975))
    return verdicts(estimate, p_value, fdr)
