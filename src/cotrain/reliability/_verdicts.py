import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

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
        decided[known] = stats.false_discovery_control(p_value[known]) <= fdr
        verdict[decided & (effect > 0)] = HELPS
        verdict[decided & (effect < 0)] = HURTS
    return verdict
