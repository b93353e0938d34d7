import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, Ridge

from cotrain.surrogates import DesignWarning, LinearSurrogate


def indicators(n, p, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((n, p)) < rng.uniform(0.2, 0.8, (n, 1))).astype(float)


def interval(model, confidence=0.95):
    """The ends of the effects' intervals, by the t distribution that a surrogate states."""
    reach = np.sqrt(np.diag(model.squares()[0])) * stats.t.ppf(0.5 + confidence / 2, model.dof_)
    return model.coef_ - reach, model.coef_ + reach


def test_least_squares_is_exact_without_noise():
    X = indicators(40, 6)
    effects = np.array([1.0, -2.0, 0.0, 0.5, 3.0, -0.1])
    model = LinearSurrogate(ridge=0).fit(X, 0.7 + X @ effects)
    np.testing.assert_allclose(model.coef_, effects, atol=1e-10)
    assert model.intercept_ == pytest.approx(0.7)
    np.testing.assert_allclose(model.predict(X), 0.7 + X @ effects)


def test_ridge_agrees_with_scikit_learn_on_standardised_scores():
    rng = np.random.default_rng(1)
    X, weight = indicators(30, 8), rng.integers(1, 4, 30).astype(float)
    y = rng.normal(3, 2, 30)
    mean = np.average(y, weights=weight)
    scale = np.sqrt(np.average((y - mean) ** 2, weights=weight))
    other = Ridge(alpha=0.5).fit(X, (y - mean) / scale, sample_weight=weight)
    model = LinearSurrogate(ridge=0.5).fit(X, y, weight)
    np.testing.assert_allclose(model.coef_, other.coef_ * scale)
    np.testing.assert_allclose(model.predict(X), other.predict(X) * scale + mean)


def test_least_squares_intervals_are_the_textbook_ones():
    rng = np.random.default_rng(2)
    X = indicators(50, 5)
    y = X @ rng.normal(size=5) + rng.normal(size=50)
    model = LinearSurrogate(ridge=0).fit(X, y)
    design = np.column_stack([np.ones(50), X])
    rss = np.sum((y - LinearRegression().fit(X, y).predict(X)) ** 2)
    error = np.sqrt(np.diag(np.linalg.inv(design.T @ design))[1:] * rss / 44)
    reach = stats.t.ppf(0.975, 44) * error
    low, high = interval(model)
    assert model.dof_ == pytest.approx(44)
    np.testing.assert_allclose(high - low, 2 * reach)
    new = indicators(7, 5, seed=3)
    row = np.column_stack([np.ones(7), new])
    hat = np.einsum("ij,jk,ik->i", row, np.linalg.inv(design.T @ design), row)
    np.testing.assert_allclose(model.predict(new, return_std=True)[1], np.sqrt(hat * rss / 44))


@pytest.mark.parametrize(("n", "p"), [(25, 10), (60, 20), (30, 60)])
def test_evidence_intervals_cover_as_they_say(n, p):
    rng = np.random.default_rng(n)
    inside = []
    for _ in range(60):
        X = (rng.random((n, p)) < rng.uniform(0.2, 0.8, (n, 1))).astype(float)
        effects = rng.normal(0.3, 0.5, p)
        y = X @ effects + rng.normal(0, 1.0, n)
        low, high = interval(LinearSurrogate().fit(X, y), 0.9)
        inside.append(np.mean((low < effects) & (effects < high)))
    assert 0.84 < np.mean(inside) < 0.96


def test_evidence_beats_least_squares_where_scores_are_few():
    rng = np.random.default_rng(5)
    errors = {"evidence": [], 0: []}
    for _ in range(20):
        X = (rng.random((30, 20)) < 0.5).astype(float)
        effects = rng.normal(0, 0.3, 20)
        y = X @ effects + rng.normal(size=30)
        for ridge, found in errors.items():
            coef = LinearSurrogate(ridge=ridge).fit(X, y).coef_
            found.append(np.mean((coef - effects) ** 2))
    assert np.mean(errors["evidence"]) < 0.5 * np.mean(errors[0])


def test_evidence_does_not_depend_on_the_order_of_rows_or_tasks():
    rng = np.random.default_rng(6)
    X, y = indicators(40, 9), rng.normal(size=40)
    model = LinearSurrogate().fit(X, y)
    rows, tasks = rng.permutation(40), rng.permutation(9)
    other = LinearSurrogate().fit(X[rows][:, tasks], y[rows])
    np.testing.assert_allclose(other.coef_, model.coef_[tasks], atol=1e-9)


def test_evidence_is_the_same_in_both_eigenproblems():
    # With 11 tasks, 12 rows make a problem of tasks; with 5 absent ones more, a problem of rows.
    rng = np.random.default_rng(7)
    X, y = indicators(12, 11), rng.normal(size=12)
    few = LinearSurrogate().fit(X, y)
    with pytest.warns(DesignWarning, match="in no subset"):
        padded = LinearSurrogate().fit(np.column_stack([X, np.zeros((12, 5))]), y)
    np.testing.assert_allclose(padded.coef_[:11], few.coef_, atol=1e-8)


def test_a_task_in_no_subset_is_unknown_and_said_to_be():
    X = indicators(30, 5)
    X[:, 2] = 0
    y = X @ [1.0, 2.0, 0.0, 3.0, 4.0] + np.random.default_rng(0).normal(size=30)
    for ridge in ("evidence", 0.0, 0.01):
        with pytest.warns(DesignWarning, match=r"tasks \[2\] are in no subset or in all"):
            model = LinearSurrogate(ridge=ridge).fit(X, y)
        assert np.isnan(model.coef_[2])
        assert np.isfinite(np.delete(model.coef_, 2)).all()
        assert np.isnan(interval(model)[0][2])
        assert np.isfinite(model.predict(np.ones((1, 5)))).all()


def test_two_tasks_that_always_come_together_share_their_effect():
    rng = np.random.default_rng(8)
    X = np.repeat(rng.integers(0, 2, (40, 1)), 2, axis=1).astype(float)
    with pytest.warns(DesignWarning, match="relative to the average"):
        model = LinearSurrogate().fit(X, 2 * X[:, 0] + rng.normal(0, 0.1, 40))
    np.testing.assert_allclose(model.coef_, 1.0, atol=0.1)
    low, high = interval(model)
    assert (high - low > 1).all()


def test_subsets_of_one_size_are_named():
    X = np.array([np.roll([1, 1, 0, 0, 0, 0], i) for i in range(6)], dtype=float)
    with pytest.warns(DesignWarning, match="all subsets have one size"):
        LinearSurrogate().fit(X, np.arange(6.0))


def test_no_degree_of_freedom_means_no_interval():
    X = indicators(6, 12)
    with pytest.warns(DesignWarning, match="no degree of freedom"):
        model = LinearSurrogate(ridge=0.01).fit(X, np.arange(6.0))
    assert np.isnan(interval(model)[0]).all()


@pytest.mark.parametrize(
    ("X", "y", "match"),
    [
        (indicators(6, 8), np.arange(6.0), "more independent subsets than tasks"),
        (indicators(9, 3), np.ones(9), "constant scores"),
        (indicators(9, 3), np.r_[np.nan, np.ones(8)], "NaN"),
        (np.ones((9, 3)), np.arange(9.0), "same subset in every row"),
        (indicators(3, 2), np.arange(3.0), "minimum of 4"),
    ],
)
@pytest.mark.filterwarnings("ignore::cotrain.surrogates.DesignWarning")
def test_bad_input(X, y, match):
    with pytest.raises(ValueError, match=match):
        LinearSurrogate(ridge=0).fit(X, y)


def test_bad_ridge():
    with pytest.raises(ValueError, match="ridge must be"):
        LinearSurrogate(ridge=-1.0).fit(indicators(9, 3), np.arange(9.0))
