import numpy as np
import pytest

from cotrain.surrogates import LabelCurveSurrogate, LinearSurrogate
from lab.simulated import simulate_subsets

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


def test_the_curve_is_free():
    """However steep, it leaves the effects as they are: it takes nothing of their variance."""
    X, y, _ = study(4)
    steep = y + 1000 * np.log(1 + X @ N_LABELS / N_LABELS.mean())
    effects = [LabelCurveSurrogate(N_LABELS).fit(X, scores).coef_ for scores in (y, steep)]
    np.testing.assert_allclose(*effects, atol=1e-8)


def test_effects_scatter_with_the_root_of_a_tasks_labels():
    rng = np.random.default_rng(5)
    X = simulate_subsets(N_TASKS, 10, 1, 10, rng)  # too few to tell effects from the prior's
    model = LabelCurveSurrogate(N_LABELS)
    squares = [model.fit(X, rng.normal(size=10)).coef_ ** 2 for _ in range(50)]
    slope = np.polyfit(np.log(N_LABELS), np.log(np.mean(squares, axis=0)), 1)[0]
    assert slope > 0.7


@pytest.mark.parametrize("size", [1, 4])
def test_subsets_of_one_number_of_labels_have_no_curve(size):
    X = simulate_subsets(N_TASKS, 12, size, size, np.random.default_rng(6))
    y = X @ np.arange(N_TASKS)
    model = LabelCurveSurrogate().fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.9


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
