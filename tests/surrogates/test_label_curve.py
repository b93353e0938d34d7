import numpy as np
import pytest

from cotrain.surrogates import LabelCurveSurrogate, LinearSurrogate, simulate_subsets

N_TASKS = 12
N_LABELS = np.geomspace(50, 2000, N_TASKS)


def saturating(X, effects):
    """More labels bring less and less, and every task has an effect of its own."""
    labels = X @ N_LABELS / N_LABELS.mean()
    return 2 * np.log(1 + labels) + X @ effects


def study(seed, noise=0.2, n=120):
    rng = np.random.default_rng(seed)
    effects = rng.normal(0, 0.3, N_TASKS)
    X = simulate_subsets(N_TASKS, n, 1, 10, rng)
    return X, saturating(X, effects) + noise * rng.normal(size=n), effects


def error(model, X, truth):
    return np.mean((model.predict(X) - truth) ** 2)


def test_a_saturating_truth_is_told_better_than_by_a_sum():
    X, y, effects = study(0)
    new = simulate_subsets(N_TASKS, 300, 1, 10, np.random.default_rng(9))
    truth = saturating(new, effects)
    curve = error(LabelCurveSurrogate(N_LABELS).fit(X, y), new, truth)
    assert curve < 0.2 * error(LinearSurrogate().fit(X, y), new, truth)
    assert curve < 0.02


def test_without_a_curve_it_is_as_good_as_a_sum():
    rng = np.random.default_rng(1)
    X = simulate_subsets(N_TASKS, 120, 1, 10, rng)
    effects = rng.normal(size=N_TASKS)
    y = X @ effects + 0.5 * rng.normal(size=120)
    model = LabelCurveSurrogate(N_LABELS).fit(X, y)
    assert error(model, X, X @ effects) < 1.3 * error(LinearSurrogate().fit(X, y), X, X @ effects)
    np.testing.assert_allclose(model.coef_, effects, atol=0.6)


def test_errors_are_as_large_as_said():
    shares = []
    for seed in range(10):
        X, y, effects = study(seed)
        new = simulate_subsets(N_TASKS, 100, 1, 10, np.random.default_rng(100 + seed))
        model = LabelCurveSurrogate(N_LABELS).fit(X, y)
        mean, std = model.predict(new, return_std=True)
        shares.append(np.mean(np.abs(mean - saturating(new, effects)) < 1.96 * std))
    assert 0.88 < np.mean(shares) < 0.995


def test_only_the_proportions_of_labels_count():
    X, y, _ = study(2)
    models = [LabelCurveSurrogate(factor * N_LABELS).fit(X, y) for factor in (1.0, 10.0)]
    np.testing.assert_allclose(models[0].predict(X), models[1].predict(X))
    members = LabelCurveSurrogate().fit(X, y).predict(X)
    np.testing.assert_allclose(
        LabelCurveSurrogate(np.full(N_TASKS, 7)).fit(X, y).predict(X), members
    )


@pytest.mark.parametrize("n_labels", [[1, 2], [-1.0] * N_TASKS, [0.0] * N_TASKS])
def test_bad_labels(n_labels):
    X, y, _ = study(3)
    with pytest.raises(ValueError, match="n_labels must be 12 numbers"):
        LabelCurveSurrogate(n_labels).fit(X, y)
