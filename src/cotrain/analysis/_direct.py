"""Effects of one task on another without a surrogate."""

from typing import Literal

import numpy as np
from scipy import stats

from cotrain.analysis._observations import SubsetScores
from cotrain.reliability import UNDECIDED, verdicts
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
    n_repeats, n_tasks = gain.shape
    apart = ~np.eye(n_tasks, dtype=bool)

    def spread(values: np.ndarray) -> np.ndarray:
        return np.where(apart, values[:, None] / max(n_tasks - 1, 1), np.nan)

    mean = gain.mean(axis=0)
    error = gain.std(axis=0, ddof=1) / np.sqrt(n_repeats) if n_repeats > 1 else mean * np.nan
    reach = stats.t.ppf(0.975, max(n_repeats - 1, 1)) * error
    t = np.divide(mean, error, out=np.where(mean == 0, 0.0, np.nan), where=error > 0)
    p_value = np.where(np.isnan(error), np.nan, 2 * stats.t.sf(np.abs(t), max(n_repeats - 1, 1)))
    p_values = np.where(apart, p_value[:, None], np.nan)
    estimate = spread(mean)
    verdict = verdicts(estimate, p_values, fdr)
    verdict[np.isnan(p_values) & ~np.isnan(estimate)] = UNDECIDED
    np.fill_diagonal(verdict, "")
    return Relevance(
        estimate,
        spread(mean - reach),
        spread(mean + reach),
        p_values,
        verdict,
        apart.astype(np.int64),
    )
