"""From the surrogate that was chosen to what a group of tasks is worth."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cotrain.allocation import decode_tasks, encode_tasks
from cotrain.analysis._observations import SubsetScores
from cotrain.exceptions import DataError
from cotrain.grouping import GroupValue, LinearValue, PredictedValue
from cotrain.grouping.value import Floats, Members
from cotrain.scores import find_score
from cotrain.tables import pair_matrix


def subset_score_table(subsets: SubsetScores, tasks: Sequence[str], score: str) -> pd.DataFrame:
    """Return what surrogates are fitted to, one row a (subset, repeat, target) that has a score.

    Columns: members (a bit mask, as in the fit table), repeat, target, score (natural sign).
    """
    codes = [encode_tasks(map(int, np.flatnonzero(row))) for row in subsets.indicators]
    repeat, row, task = np.nonzero(~np.isnan(subsets.scores))
    return pd.DataFrame(
        {
            "members": np.array(codes)[row],
            "repeat": repeat,
            "target": np.array(tasks)[task],
            "score": find_score(score).sign * subsets.scores[repeat, row, task],
        }
    )


def group_value(
    surrogate: str,
    targets: pd.DataFrame,
    relevance: pd.DataFrame,
    subset_scores: pd.DataFrame,
    n_labels: np.ndarray,
    caution: float,
    score: str,
    affinity: np.ndarray | None = None,
) -> GroupValue:
    """Return the scores that the chosen surrogate predicts of groups, higher the better.

    It is one of `candidates`, or "none" where no surrogate is better than the mean: all groups are
    then worth the same. `targets`, `relevance` and `subset_scores` are tables of the analysis by
    `score`, `n_labels` (K,) the labels of each task, `affinity` (K, K) the gradient affinities
    [target, source] that the surrogate was chosen with. `caution` is how many standard errors are
    taken off each prediction.

    Raises
    ------
    DataError
        If the analysis names a surrogate that is not known.
    """
    tasks = targets["target"].tolist()
    sign = find_score(score).sign
    intercept = sign * targets["intercept"].to_numpy()
    # Of a task in too few subsets for a surrogate its mean is what is known.
    means = sign * subset_scores.groupby("target")["score"].mean().reindex(tasks).to_numpy()
    intercept = np.where(np.isnan(intercept), means, intercept)
    intercept = np.where(np.isnan(intercept), np.nanmean(intercept), intercept)
    if surrogate == "none":
        return LinearValue(intercept, np.zeros((len(tasks), len(tasks))))
    if surrogate == "linear":
        coef = np.nan_to_num(pair_matrix(relevance, tasks, "relevance"))
        if caution == 0:
            return LinearValue(intercept, coef)
        error = pair_matrix(relevance, tasks, "standard_error")
        error = np.nan_to_num(error, nan=np.nanmax(error))
        return LinearValue(intercept, coef, error, z=caution)
    # Imported here, for scikit-learn takes a second that linear effects do without.
    from cotrain.analysis._subsets import candidates
    from cotrain.surrogates import fit_surrogates

    known = candidates(n_labels, affinity)
    if surrogate not in known:
        raise DataError(
            f"the analysis chose the surrogate {surrogate!r}, which is not one of "
            f"{', '.join(known)}; run `cotrain analyze` again"
        )
    indicators, scores = _design(subset_scores, tasks)
    fitted = fit_surrogates(indicators, sign * scores, known[surrogate])
    if surrogate == "affinity" and caution == 0:  # a sum of effects, which can be searched exactly
        alone = np.where(np.isnan(fitted.intercept), intercept, fitted.intercept)
        return LinearValue(alone, np.nan_to_num(fitted.coef))
    predict = fitted.member_predictor(intercept)
    if caution == 0:
        return PredictedValue(predict, len(tasks), predict_some=predict)

    def error_of(groups: Members) -> Floats:  # of a task without a surrogate, no group's differs
        return np.nan_to_num(fitted.predict_std(groups))

    return PredictedValue(predict, len(tasks), error_of, caution)


def _design(table: pd.DataFrame, tasks: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return indicators (n_subsets, K) and scores (n_repeats, n_subsets, K) of a table."""
    row, codes = pd.factorize(table["members"])
    indicators = np.zeros((len(codes), len(tasks)))
    for at, code in enumerate(codes):
        indicators[at, list(decode_tasks(code))] = 1
    scores = np.full((int(table["repeat"].max()) + 1, len(codes), len(tasks)), np.nan)
    target = pd.Index(tasks).get_indexer(pd.Index(table["target"]))
    scores[table["repeat"], row, target] = table["score"]
    return indicators, scores
