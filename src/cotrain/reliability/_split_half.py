from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cotrain.arrays import Array
from cotrain.means import mean_known

MOST_SPLITS = 50


@dataclass(frozen=True)
class Reliability:
    """How far measured scores would agree with a repetition of the whole study.

    Attributes
    ----------
    per_target : ndarray, shape (n_targets,)
        Spearman correlation over units between the mean of `n_repeats` repeats and the mean of as
        many fresh ones; NaN where it cannot be told.
    mean : float
        Mean over the targets that have one.
    low, high : float
        95 % interval of `mean`, by drawing units anew.
    n_repeats : int
        Repeats whose mean is meant.
    """

    per_target: Array
    mean: float
    low: float
    high: float
    n_repeats: int


def split_half_reliability(
    scores: ArrayLike,
    *,
    n_repeats: int | None = None,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> Reliability:
    """Reliability of scores averaged over repeats.

    The repeats are split into two halves in every way (or 50 random ways); the Spearman
    correlation between the halves' means, averaged over splits, is taken to `n_repeats` repeats by
    the formula of Spearman and Brown, r' = m r / (1 + (m - 1) r).

    Parameters
    ----------
    scores : array, shape (n_repeats, n_units, n_targets)
        A unit is what is ranked, such as a subset of tasks; NaN where there is no score. A unit
        counts for a target if every repeat scores it.
    n_repeats : int, optional
        Repeats to be averaged; those at hand if not given.
    n_bootstrap : int
        Draws of units.
    random_state : int
        Seed of splits and draws.

    Raises
    ------
    ValueError
        If there are fewer than two repeats or an argument is out of its range.
    """
    Y = np.asarray(scores, dtype=np.float64)
    if Y.ndim != 3 or len(Y) < 2:
        raise ValueError(
            f"scores must have the shape (n_repeats, n_units, n_targets) with at least 2 repeats, "
            f"got {Y.shape}"
        )
    n_repeats = len(Y) if n_repeats is None else n_repeats
    if n_repeats < 1:
        raise ValueError(f"n_repeats must be at least 1, got {n_repeats}")
    rng = np.random.default_rng(random_state)
    halves = _halves(len(Y), rng)
    known: NDArray[np.bool_] = np.all(~np.isnan(Y), axis=0)  # (n_units, n_targets)
    n_units = Y.shape[1]
    draws = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_bootstrap)
    weights = np.vstack([np.ones(n_units), draws])  # the first row: the units as they are
    half = [_correlation(Y[:, :, t], known[:, t], halves, weights) for t in range(Y.shape[2])]
    figures = spearman_brown(np.transpose(half), n_repeats / (len(Y) // 2))
    means = [float(mean_known(row)) for row in figures]
    drawn = [mean for mean in means[1:] if not np.isnan(mean)]
    low, high = np.percentile(drawn, [2.5, 97.5]) if drawn else (np.nan, np.nan)
    return Reliability(figures[0], means[0], float(low), float(high), n_repeats)


def spearman_brown(correlation: ArrayLike, longer: float) -> Array:
    """Reliability of a mean over `longer` times as many repeats.

    A correlation below 0 stays as it is: the formula holds for reliabilities only.
    """
    r = np.asarray(correlation, dtype=np.float64)
    return np.where(r > 0, longer * r / (1 + (longer - 1) * np.maximum(r, 0)), r)


def _halves(n: int, rng: np.random.Generator) -> list[tuple[list[int], list[int]]]:
    """Pairs of disjoint halves of n repeats; with an odd number one is left out in turn."""
    size = n // 2
    splits = []
    for first in combinations(range(n), size):
        rest = sorted(set(range(n)) - set(first))
        splits += [(list(first), list(s)) for s in combinations(rest, size) if first < s]
        if len(splits) > 5000:
            break
    if len(splits) <= MOST_SPLITS:
        return splits
    if len(splits) <= 5000:
        return [splits[i] for i in rng.choice(len(splits), MOST_SPLITS, replace=False)]
    orders = [rng.permutation(n) for _ in range(MOST_SPLITS)]
    return [(order[:size].tolist(), order[size : 2 * size].tolist()) for order in orders]


def _correlation(
    scores: Array,
    known: NDArray[np.bool_],
    halves: list[tuple[list[int], list[int]]],
    weights: Array,
) -> Array:
    """Spearman correlation of the halves' means, the mean over splits, for each weighting.

    Ranks are those among all units, also where units are drawn anew.
    """
    if known.sum() < 3:
        return np.full(len(weights), np.nan)
    weights = weights[:, known]
    total = weights.sum(axis=1)
    total = np.where(total > 0, total, np.nan)  # a draw may hold unknown units alone
    result = np.zeros(len(weights))
    for split in halves:
        a, b = (stats.rankdata(scores[half][:, known].mean(axis=0)) for half in split)
        sums = weights @ np.column_stack([a, b, a * a, b * b, a * b]) / total[:, None]
        cross = sums[:, 4] - sums[:, 0] * sums[:, 1]
        square = (sums[:, 2] - sums[:, 0] ** 2) * (sums[:, 3] - sums[:, 1] ** 2)
        result += cross / np.sqrt(np.where(square > 1e-9, square, np.nan))
    return result / len(halves)
