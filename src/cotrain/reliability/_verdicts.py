"""P-values adjusted for how many there are, and what they say of effects."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from cotrain.arrays import Array

HELPS, HURTS, UNDECIDED, UNKNOWN = "helps", "hurts", "undecided", "unknown"


def verdicts(effect: ArrayLike, p_value: ArrayLike, fdr: float) -> NDArray[np.str_]:
    """Helps, hurts, undecided or unknown for each effect, at a false discovery rate.

    Benjamini and Hochberg (1995) over all p-values, of no effect, that are known (not NaN); `fdr`
    is the share of false verdicts that is expected among helps and hurts, between 0 and 1.
    """
    effect, p_value = np.asarray(effect), np.asarray(p_value)
    verdict = np.where(np.isnan(p_value), UNKNOWN, UNDECIDED)
    decided = benjamini_hochberg(p_value) <= fdr
    verdict[decided & (effect > 0)] = HELPS
    verdict[decided & (effect < 0)] = HURTS
    return verdict


def interval_verdicts(
    estimate: ArrayLike, low: ArrayLike, high: ArrayLike, fdr: float
) -> NDArray[np.str_]:
    """`verdicts` of estimates of which the ends of their 95 % intervals are known, and no more.

    Arrays of one shape, NaN where unknown. The p-value is the normal one of the distance to 0.
    """
    estimate, low, high = (np.asarray(part, dtype=np.float64) for part in (estimate, low, high))
    reach = np.where(estimate > 0, estimate - low, high - estimate)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(estimate == 0, 0.0, np.abs(estimate) / reach)
    p_value = 2 * ndtr(-distance * ndtri(0.975))
    return verdicts(estimate, p_value, fdr)


def holm(p_values: ArrayLike) -> Array:
    """P-values adjusted so that the chance of any false rejection is held (Holm 1979).

    Of any shape; NaN where there is no test, which then does not count.
    """
    return _adjusted(
        p_values, lambda p: np.maximum.accumulate(p * np.arange(len(p), 0, -1)).clip(max=1.0)
    )


def benjamini_hochberg(p_values: ArrayLike) -> Array:
    """P-values adjusted so that at most a share alpha of those up to alpha is false, on average.

    Benjamini and Hochberg (1995), as SciPy's `false_discovery_control`, whose import takes longer
    than all else that tells verdicts. Of any shape; NaN where there is no test.
    """

    def steps(p: Array) -> Array:
        scaled = p * (p.size / np.arange(1.0, p.size + 1))
        return np.minimum.accumulate(scaled[::-1])[::-1].clip(0.0, 1.0)

    return _adjusted(p_values, steps)


def _adjusted(p_values: ArrayLike, adjust: Callable[[Array], Array]) -> Array:
    """`adjust` applied to the known p-values in ascending order."""
    result = np.array(p_values, dtype=np.float64)
    known = ~np.isnan(result)
    values = result[known]
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = adjust(values[order])
    result[known] = adjusted
    return result
