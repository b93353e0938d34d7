import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from lab.gradient_estimate import gradient_estimate


def rows(n=600, d=6, n_tasks=3, seed=0):
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(n, d))
    task = rng.integers(0, n_tasks, n)
    slopes = rng.normal(size=(n_tasks, d))
    y = (rng.random(n) < 1 / (1 + np.exp(-np.sum(g * slopes[task], axis=1)))).astype(int)
    return g, np.zeros(n), y, task, rng.random(n) < 0.3


def test_a_linear_model_is_retrained_exactly():
    g, f, y, task, held_out = rows()
    estimate = gradient_estimate(g, f, y, task, held_out, [[1, 0, 1]], ridge=2.0)
    train = ~held_out & (task != 1)
    trained = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10).fit(g[train], y[train])
    np.testing.assert_allclose(estimate.weights[0], trained.coef_[0], atol=1e-5)
    for target in (0, 2):
        test = held_out & (task == target)
        loss = log_loss(y[test], trained.predict_proba(g[test])[:, 1])
        assert estimate.scores[0, target] == pytest.approx(-loss, abs=1e-6)
    assert np.isnan(estimate.scores[0, 1])


def test_a_base_model_that_is_right_already_is_left_alone():
    g, f, y, task, held_out = rows()
    start = gradient_estimate(g, f, y, task, held_out, [[1, 1, 1]], ridge=1e-6).weights[0]
    again = gradient_estimate(g, g @ start, y, task, held_out, [[1, 1, 1]], ridge=1e-6)
    np.testing.assert_allclose(again.weights, 0, atol=1e-4)


def test_separable_rows_and_extreme_outputs_converge():
    g = np.array([[1.0], [2.0], [-1.0], [-2.0]])
    y = np.array([1, 1, 0, 0])
    f = np.array([-500.0, 500.0, 500.0, -500.0])
    estimate = gradient_estimate(g, f, y, np.zeros(4, int), np.array([0, 1, 0, 1]), [[1]])
    assert np.isfinite(estimate.scores).all()
    slope = estimate.weights[0, 0]
    p = 1 / (1 + np.exp(-np.array([-500 + slope, 500 - slope])))
    assert (p[0] - 1) - p[1] + slope == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"labels": np.full(600, 2)}, "labels must be 0 or 1"),
        ({"outputs": np.zeros(5)}, "must have the shape"),
        ({"ridge": 0.0}, "ridge must be positive"),
        ({"X": [[0, 0, 0]]}, "subset 0 must have training rows"),
        ({"X": [[0.5, 0, 0]]}, "0 and 1 alone"),
    ],
)
def test_bad_input(change, match):
    names = ("gradients", "outputs", "labels", "tasks", "validation")
    arguments = dict(zip(names, rows(), strict=True)) | {"X": [[1, 0, 1]]} | change
    with pytest.raises(ValueError, match=match):
        gradient_estimate(**arguments)
