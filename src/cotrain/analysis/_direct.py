"""Effects of one task on another without a surrogate."""

from typing import Literal

import numpy as np

from cotrain.analysis._observations import SubsetScores
from cotrain.reliability import paired_interval
from cotrain.surrogates import Relevance, paired_effects, relevance


def is_direct(subsets: SubsetScores) -> bool:
    """Whether effects need no surrogate: of two tasks, or where no task learns from another."""
    if subsets.single.shape[1] == 2:
        return True
    effects = paired_effects(subsets.scores, subsets.single)
    return not np.nan_to_num(effects).any()


def subset_relevance(
    subsets: SubsetScores, ridge: float | Literal["evidence"], fdr: float
) -> Relevance:
    """The relevance of each source for each target, from all subsets, single tasks included.

    Raises
    ------
    ValueError
        If the subsets are too few.
    """
    if is_direct(subsets):
        return direct_relevance(subsets.together - subsets.single, fdr)
    return relevance(subsets.indicators, subsets.scores, ridge=ridge, fdr=fdr)


def direct_relevance(gain: np.ndarray, fdr: float) -> Relevance:
    """What each target gains by the one other task, (n_repeats, 2), as a relevance.

    Student's intervals over repeats; repeats that are all alike tell of no effect, or nothing. Of
    more tasks, gains are shared alike between the sources.
    """
    found, n_tasks = paired_interval(gain), gain.shape[1]
    apart = ~np.eye(n_tasks, dtype=bool)
    known = np.where((found.low == found.high) & (found.estimate != 0), np.nan, found.p_value)

    def spread(values: np.ndarray) -> np.ndarray:
        return np.where(apart, values[:, None] / max(n_tasks - 1, 1), np.nan)

    estimate, p_value = spread(found.estimate), np.where(apart, known[:, None], np.nan)
    ends = spread(found.low), spread(found.high)
    return Relevance.of(estimate, ends, p_value, apart.astype(np.int64), fdr)
