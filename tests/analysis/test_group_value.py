"""The chosen surrogate as the value of a group."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest

from cotrain.analysis import SubsetScores, group_value, subset_score_table
from cotrain.exceptions import DataError
from cotrain.grouping import Constraints, LinearValue, Objective, PredictedValue
from cotrain.surrogates import (
    AffinitySurrogate,
    DesignWarning,
    LabelCurveSurrogate,
    LinearSurrogate,
    fit_surrogates,
)
from lab.simulated import simulate_truth

TASKS = ["1e5", "b", "c", "d", "e", "f"]
N_LABELS = np.array([100, 200, 300, 400, 500, 600])


def subsets() -> SubsetScores:
    rng = np.random.default_rng(0)
    indicators = np.unique(rng.integers(0, 2, (60, 6)), axis=0)
    indicators = indicators[indicators.any(axis=1)]
    truth = simulate_truth("clustered", 6, seed=0)
    scores = truth.measure(indicators.astype(float), 0.05, 3, rng)
    scores[0, 3] = np.nan  # a fit whose scores are unknown
    return SubsetScores(indicators, scores)


def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    targets = pd.DataFrame({"target": TASKS, "intercept": np.arange(6.0)})
    pairs = [(target, source) for target in TASKS for source in TASKS if target != source]
    relevance = pd.DataFrame(pairs, columns=["target", "source"])
    relevance["relevance"] = np.arange(30.0)
    relevance["standard_error"] = 1.0
    written = subset_score_table(subsets(), TASKS, "auroc").to_csv(index=False)
    names = {"members": str, "target": str}
    return targets, relevance, pd.read_csv(StringIO(written), dtype=names)


GROUPS = np.random.default_rng(1).random((20, 6)) < 0.5


@pytest.mark.parametrize("caution", [0.0, 1.0])
def test_the_label_curve_predicts_as_it_was_fitted(caution: float) -> None:
    found = subsets()
    fitted = fit_surrogates(found.indicators, found.scores, LabelCurveSurrogate(N_LABELS))
    expected = fitted.predict(GROUPS) - caution * fitted.predict_std(GROUPS)
    value = group_value("label curve", *tables(), N_LABELS, caution, "auroc")
    np.testing.assert_allclose(value.scores(GROUPS), np.where(GROUPS, expected, np.nan))


@pytest.mark.parametrize("caution", [0.0, 1.0])
def test_the_surrogate_of_affinities_predicts_as_it_was_fitted(caution: float) -> None:
    found, affinity = subsets(), np.random.default_rng(2).normal(size=(6, 6))
    fitted = fit_surrogates(found.indicators, found.scores, AffinitySurrogate(affinity))
    expected = fitted.predict(GROUPS) - caution * fitted.predict_std(GROUPS)
    value = group_value("affinity", *tables(), N_LABELS, caution, "auroc", affinity)
    assert isinstance(value, LinearValue) == (caution == 0)  # a sum can be searched exactly
    np.testing.assert_allclose(value.scores(GROUPS), np.where(GROUPS, expected, np.nan))
    with pytest.raises(DataError, match="chose the surrogate 'affinity', which is not one of"):
        group_value("affinity", *tables(), N_LABELS, caution, "auroc")


@pytest.mark.parametrize("caution", [0.0, 1.0])
def test_a_task_without_a_surrogate_is_worth_its_mean_in_every_group(caution: float) -> None:
    targets, relevance, scores = tables()
    alike = scores["target"] == "c"
    scores.loc[alike, "score"] = 0.75  # nothing can be told from them
    targets.loc[2, "intercept"] = np.nan
    with pytest.warns(DesignWarning, match="have no surrogate"):
        value = group_value("label curve", targets, relevance, scores, N_LABELS, caution, "auroc")
    found = value.scores(GROUPS)
    np.testing.assert_array_equal(found[:, 2], np.where(GROUPS[:, 2], 0.75, np.nan))
    assert np.isfinite(found[GROUPS]).all()


def test_the_linear_surrogate_is_that_of_the_tables() -> None:
    value = group_value("linear", *tables(), N_LABELS, 0.0, "auroc")
    pair = np.array([[True, False, True, False, False, False]])
    # Relevances are counted target by target: of 2 to 0 the second, of 0 to 2 the eleventh.
    assert value.scores(pair)[0, [0, 2]].tolist() == [0 + 1.0, 2 + 10.0]
    cautious = group_value("linear", *tables(), N_LABELS, 0.5, "auroc")
    assert cautious.scores(pair)[0, [0, 2]].tolist() == [0.5, 11.5]


def test_without_a_surrogate_all_groups_are_worth_the_same() -> None:
    value = group_value("none", *tables(), N_LABELS, 1.0, "auroc")
    np.testing.assert_array_equal(value.scores(GROUPS), np.where(GROUPS, np.arange(6.0), np.nan))


def test_quick_predictions_of_members_are_the_slow_ones() -> None:
    found = subsets()
    for estimator in (LinearSurrogate(), LabelCurveSurrogate()):
        fitted = fit_surrogates(found.indicators, found.scores, estimator)
        quick = fitted.member_predictor()(GROUPS)
        np.testing.assert_allclose(quick[GROUPS], fitted.predict(GROUPS)[GROUPS])


def test_what_a_group_serves_is_summed_as_all_scores_are() -> None:
    found = subsets()
    predict = fit_surrogates(
        found.indicators, found.scores, LabelCurveSurrogate()
    ).member_predictor()
    groups = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 1, 1, 0, 1]], dtype=bool)
    served = np.array([1, 0, 1, 0, 0, 0], dtype=bool)
    some, every = (
        Objective(PredictedValue(predict, 6, predict_some=quick), Constraints(), range(1, 7))
        for quick in (predict, None)
    )
    np.testing.assert_allclose(some.served(groups, served), every.served(groups, served))


@pytest.mark.parametrize("caution", [0.0, 1.0])
@pytest.mark.parametrize("name", ["linear", "none"])
def test_a_task_in_too_few_subsets_is_worth_what_it_scored(name: str, caution: float) -> None:
    targets, relevance, scores = tables()
    targets.loc[1, "intercept"] = np.nan
    relevance.loc[relevance["target"] == "b", ["relevance", "standard_error"]] = np.nan
    found = group_value(name, targets, relevance, scores, N_LABELS, caution, "auroc").scores(GROUPS)
    assert np.isfinite(found[GROUPS]).all()
    alone = group_value(name, targets, relevance, scores, N_LABELS, 0.0, "auroc")
    only_b = np.array([[False, True, False, False, False, False]])
    mean = scores.loc[scores["target"] == "b", "score"].mean()
    assert alone.scores(only_b)[0, 1] == pytest.approx(mean)
