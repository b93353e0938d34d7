"""Claims held against skill and against the placebo: what both could not tell is not said."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy import stats

from cotrain.analysis._observations import SubsetScores
from cotrain.reliability import (
    HELPS,
    HURTS,
    UNDECIDED,
    benjamini_hochberg,
    moderate_variances,
)

NO_SKILL, PLACEBO = "no skill", "placebo"


def skilled_tasks(d2: SubsetScores, tasks: Collection[str], fdr: float) -> pd.DataFrame:
    """Which tasks some model predicts better than their base rate: task, d2, p_value, skilled.

    The better of the single task and all together, in D² on validation labels, which is 0 for the
    base rate; one-sided Student's test over repeats, whose variances the tasks steady for each
    other (`cotrain.reliability.moderate_variances`), Benjamini and Hochberg over tasks. With one
    repeat the sign decides.
    """
    both = np.stack([d2.single, d2.together])
    known = np.isfinite(both).all(axis=1)
    mean = np.where(known, np.nan_to_num(both).mean(axis=1), -np.inf)
    best = np.take_along_axis(both, mean.argmax(axis=0)[None, None], axis=0)[0]
    value = np.where(known.any(axis=0), mean.max(axis=0), np.nan)
    p_value = np.full(len(value), np.nan)
    if len(best) > 1:
        own = np.full(len(value), len(best) - 1)
        variance, degrees = moderate_variances(best.var(axis=0, ddof=1), own)
        spread = np.sqrt(variance / len(best))
        ratio = np.where(spread > 0, value / np.where(spread > 0, spread, 1.0), np.inf * value)
        # The better of two ways had two chances.
        of_two = np.minimum(2 * stats.t.sf(ratio, degrees), 1.0)
        p_value = np.where(np.isnan(value), np.nan, of_two)
    skilled = (value > 0) & (np.isnan(p_value) | (benjamini_hochberg(p_value) <= fdr))
    return pd.DataFrame({"task": list(tasks), "d2": value, "p_value": p_value, "skilled": skilled})


def withhold(
    verdicts: pd.DataFrame, placebo: pd.DataFrame | None, skilled: Collection[str], fdr: float
) -> pd.DataFrame:
    """Verdicts, less those of tasks without skill and those that the placebo would pass as well.

    A verdict stands if the target has skill, and its |relevance / standard error| passes the
    least threshold at which the placebo, where nothing can be learnt, makes at most `fdr` times as
    many claims per pair (the empirical null of Efron 2004, doi:10.1198/016214504000000089).

    `verdicts` have a column verdict, and the target or else the task that it is of; `placebo` is
    the same of the study with permuted labels, and both then have the columns relevance and
    standard_error. `skilled` tasks are predicted better than their base rate. The column `withheld`
    of what is returned says why a verdict became undecided, else it is empty.
    """
    found = verdicts.copy()
    decided = found["verdict"].isin([HELPS, HURTS])
    why = pd.Series("", index=found.index, dtype=object)
    if placebo is not None:
        size, null = _sizes(found), _sizes(placebo)
        threshold = _threshold(size[decided], null[np.isfinite(null)], len(found), fdr)
        why[decided & (size < threshold)] = PLACEBO
    why[decided & ~found["target" if "target" in found else "task"].isin(skilled)] = NO_SKILL
    found.loc[why != "", "verdict"] = UNDECIDED
    found["withheld"] = why
    return found


def _sizes(pairs: pd.DataFrame) -> np.ndarray:
    """|relevance / standard error|, (n_pairs,); NaN without an error."""
    relevance, error = (pairs[name].to_numpy(float) for name in ("relevance", "standard_error"))
    found = np.divide(relevance, error, out=np.full(len(pairs), np.nan), where=error > 0)
    return np.asarray(np.abs(found))


def _threshold(claims: np.ndarray, null: np.ndarray, n_pairs: int, fdr: float) -> float:
    """The least size of a claim that the placebo passes rarely enough; inf if there is none."""
    if not null.size:
        return 0.0
    for size in np.sort(claims):
        expected = (null >= size).mean() * n_pairs
        if expected <= fdr * (claims >= size).sum():
            return float(size)
    return np.inf
