import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import (
    average_precision_score,
    d2_log_loss_score,
    log_loss,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)

from cotrain.scores import SCORES, find_score, score_tasks


def expected(truth, output, is_binary):
    """One task's scores by scikit-learn and SciPy."""
    result = dict.fromkeys(SCORES, np.nan)
    if truth.size and is_binary:
        p = 1 / (1 + np.exp(-output))
        result["log_loss"] = log_loss(truth, p, labels=[0, 1])
        if np.unique(truth).size == 2:
            result["auroc"] = roc_auc_score(truth, output)
            result["aupr"] = average_precision_score(truth, output)
            result["d2"] = d2_log_loss_score(truth, np.stack([1 - p, p], axis=1), labels=[0, 1])
    elif truth.size:
        result["mse"] = mean_squared_error(truth, output)
        if np.unique(truth).size > 1:
            result["r2"] = result["d2"] = r2_score(truth, output)
            error, spread = np.abs(output - truth), np.abs(truth - truth.mean())
            result["rae"] = error.sum() / spread.sum()
            if np.unique(output).size > 1:
                result["pearson"] = pearsonr(truth, output)[0]
                result["spearman"] = spearmanr(truth, output)[0]
    return [result[score] for score in SCORES]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 120), decimals=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_equals_scikit_learn_and_scipy_with_ties_gaps_and_single_classes(seed, n, decimals):
    rng = np.random.default_rng(seed)
    is_binary = rng.random(7) < 0.5
    task = rng.integers(0, 7, n)
    output = np.round(rng.normal(size=n) * 2, decimals)
    positive = rng.random(7)[task] * 1.4 - 0.2  # some tasks get one class only
    truth = np.where(
        is_binary[task], rng.random(n) < positive, np.round(rng.normal(size=n), decimals)
    )
    found = score_tasks(task, truth, output, is_binary)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = [expected(truth[task == i], output[task == i], is_binary[i]) for i in range(7)]
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


def test_extreme_logits_have_finite_log_loss():
    scores = score_tasks([0, 0], [1.0, 0.0], [-1000.0, 1000.0], np.array([True]))
    assert scores[0, list(SCORES).index("log_loss")] == 1000.0


@pytest.mark.parametrize("only", [0.0, 1.0])
def test_one_class_has_no_auroc_but_a_log_loss(only):
    scores = score_tasks([0, 0, 0], [only] * 3, [-1.0, 0.0, 1.0], np.array([True]))
    named = dict(zip(SCORES, scores[0], strict=True))
    assert np.isnan(named["auroc"])
    assert np.isnan(named["aupr"])
    assert np.isfinite(named["log_loss"])


def test_task_without_labels_has_no_scores():
    scores = score_tasks([1], [1.0], [0.3], np.array([True, True, False]))
    assert np.isnan(scores[[0, 2]]).all()


def test_constant_predictions_have_no_correlation_but_an_r2():
    scores = score_tasks([0] * 3, [1.0, 2.0, 3.0], [0.1] * 3, np.array([False]))
    named = dict(zip(SCORES, scores[0], strict=True))
    assert np.isnan(named["pearson"])
    assert np.isnan(named["spearman"])
    assert named["r2"] == pytest.approx(r2_score([1, 2, 3], [0.1] * 3))


@pytest.mark.parametrize("factor", [1e3, 1e7])
def test_scores_that_are_unit_free_do_not_change_with_the_unit(factor):
    rng = np.random.default_rng(0)
    truth, output = rng.normal(size=(2, 50))
    one, other = (
        score_tasks(np.zeros(50), scale * truth, scale * output, np.array([False]))[0]
        for scale in (1.0, factor)
    )
    same = np.array([score.unit_free for score in SCORES.values()])
    real = np.array(["real" in score.kinds for score in SCORES.values()])
    np.testing.assert_allclose(one[same & real], other[same & real])
    assert not np.isclose(one[~same & real], other[~same & real]).any()


def test_an_unknown_score_names_those_there_are():
    with pytest.raises(ValueError, match=r"score must be one of log_loss, .*, got 'accuracy'"):
        find_score("accuracy")
