import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cotrain.arrays import Array

POWER, MOST_REPEATS = 0.8, 10_000


def repeats_to_decide(effect: ArrayLike, spread: ArrayLike, *, alpha: float = 0.05) -> Array:
    """Repeats that a two-sided paired t test needs to see an effect.

    That is the smallest number, at least 2, at which a mean difference of size `effect` is seen
    four times in five, if it has the standard deviation `spread` from repeat to repeat and the test
    the level `alpha`; infinity where 10,000 are not enough, NaN where effect or spread are. Shapes
    are broadcast.
    """
    effect, spread = np.broadcast_arrays(
        np.asarray(effect, dtype=np.float64), np.asarray(spread, dtype=np.float64)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(effect == 0, 0.0, np.abs(effect) / spread)
    size = np.where(np.isnan(effect) | np.isnan(spread), np.nan, size)
    # Power grows with the repeats: halve the range until one number is left.
    low = np.full(size.shape, 1)
    high = np.full(size.shape, MOST_REPEATS)
    for _ in range(int(np.ceil(np.log2(MOST_REPEATS))) + 1):
        middle = (low + high) // 2
        enough = t_test_power(size, np.maximum(middle, 2), alpha) >= POWER
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    found = t_test_power(size, np.maximum(high, 2), alpha) >= POWER
    return np.where(np.isnan(size), np.nan, np.where(found, np.maximum(high, 2), np.inf))


def t_test_power(size: ArrayLike, n_repeats: ArrayLike, alpha: float = 0.05) -> Array:
    """Chance that a two-sided one-sample t test of level `alpha` rejects.

    `size` is the effect in standard deviations of a repeat, of which there are 2 at least.
    """
    n = np.asarray(n_repeats)
    # Beyond this the test rejects for certain, and the noncentral t distribution loses its digits.
    centre = np.minimum(np.asarray(size, dtype=np.float64) * np.sqrt(n), 30.0 + 0 * n)
    bar = stats.t.isf(alpha / 2, n - 1)
    power = stats.nct.sf(bar, n - 1, centre) + stats.nct.cdf(-bar, n - 1, centre)
    return np.where(np.isnan(power) & ~np.isnan(centre), 1.0, power)
