import numpy as np
import pytest

from cotrain.surrogates import (
    DesignWarning,
    LinearSurrogate,
    choose_surrogate,
    fit_surrogates,
    lack_of_fit,
)
from lab.adequacy import overall_p_value, rejected
from lab.group_mean import AveragingSurrogate, PairwiseSurrogate
from lab.interaction import InteractionSurrogate
from lab.kernel_surrogate import KernelSurrogate
from lab.rivals import default_surrogates


def indicators(n, p, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((n, p)) < 0.5).astype(float)


def study(term, n=120, n_tasks=8, noise=0.5, repeats=3, seed=0):
    """X and Y (n_repeats, n, K): linear effects plus `term(X)`, the same for all targets."""
    rng = np.random.default_rng(seed)
    X = np.unique(indicators(n, n_tasks, seed), axis=0)
    effects = rng.normal(size=(n_tasks, n_tasks))
    truth = X @ effects.T + term(X)[:, None]
    Y = truth + rng.normal(0, noise, (repeats, *truth.shape))
    return X, np.where(X == 1, Y, np.nan)


def linear(X):
    return np.zeros(len(X))


def synergy(X):
    return 2.0 * X[:, 0] * X[:, 1] - 2.0 * X[:, 2] * X[:, 3]


def test_averaging_is_the_mean_over_subsets_with_the_task():
    X, y = indicators(30, 5), np.random.default_rng(1).normal(size=30)
    model = AveragingSurrogate().fit(X, y)
    means = np.array([y[X[:, task] == 1].mean() for task in range(5)])
    np.testing.assert_allclose(model.coef_ + model.intercept_, means)
    assert model.predict([[1, 0, 0, 1, 0]])[0] == pytest.approx((means[0] + means[3]) / 2)
    assert model.predict(np.zeros((1, 5)))[0] == pytest.approx(y.mean())


def test_pairwise_is_the_mean_of_measured_pairs():
    pairs = np.eye(6)
    scores = np.array([0.1, 0.9, 0.4, 0.3, 0.7, 0.2])
    X = np.tile(pairs, (3, 1))
    model = PairwiseSurrogate().fit(X, np.tile(scores, 3))
    np.testing.assert_allclose(model.predict(pairs), scores, atol=5e-3)
    group = [[1, 1, 0, 0, 1, 0]]
    assert model.predict(group)[0] == pytest.approx(scores[[0, 1, 4]].mean(), abs=5e-3)


def test_pairwise_recovers_pairs_from_larger_groups():
    rng = np.random.default_rng(2)
    X = indicators(80, 6)
    X = X[X.sum(axis=1) > 0]
    scores = rng.normal(size=6)
    y = X @ scores / X.sum(axis=1)
    np.testing.assert_allclose(PairwiseSurrogate().fit(X, y).predict(np.eye(6)), scores, atol=0.02)


def test_group_means_take_indicators_only():
    with pytest.raises(ValueError, match="Negative values"):
        PairwiseSurrogate().fit(-indicators(10, 3), np.arange(10.0))


def test_kernel_learns_what_no_linear_model_can():
    X = indicators(200, 4)
    parity = (X[:, 0] + X[:, 1]) % 2
    y = parity + np.random.default_rng(0).normal(0, 0.1, 200)
    new = indicators(50, 4, seed=1)
    truth = (new[:, 0] + new[:, 1]) % 2
    assert np.mean((KernelSurrogate().fit(X, y).predict(new) - truth) ** 2) < 0.01
    assert np.mean((LinearSurrogate().fit(X, y).predict(new) - truth) ** 2) > 0.2


def test_kernel_is_less_sure_far_from_what_it_has_seen():
    rng = np.random.default_rng(3)
    X = np.zeros((40, 10))
    X[:, :5] = rng.integers(0, 2, (40, 5))
    with pytest.warns(DesignWarning, match=r"tasks \[5, 6, 7, 8, 9\]"):
        model = KernelSurrogate(gamma=0.2).fit(X, rng.normal(size=40))
    _, near = model.predict(X[:1], return_std=True)
    _, far = model.predict(np.ones((1, 10)), return_std=True)
    assert far[0] > 1.3 * near[0]
    with pytest.raises(ValueError, match="gamma must be positive"):
        KernelSurrogate(gamma=0.0).fit(X, X[:, 0])


@pytest.mark.parametrize("seed", range(3))
def test_planted_pairs_are_recovered(seed):
    rng = np.random.default_rng(seed)
    X = indicators(100, 20, seed)
    y = X @ rng.normal(size=20) + 3 * X[:, 2] * X[:, 7] - 3 * X[:, 4] * X[:, 11]
    model = InteractionSurrogate().fit(X, y + rng.normal(0, 0.5, 100))
    found = {
        tuple(pair): coef
        for pair, coef in zip(model.pairs_.tolist(), model.pair_coef_, strict=True)
    }
    assert set(found) == {(2, 7), (4, 11)}
    assert found[2, 7] == pytest.approx(3, abs=0.7)
    assert found[4, 11] == pytest.approx(-3, abs=0.7)


def test_no_pairs_are_found_where_there_are_none():
    found = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = indicators(80, 12, seed)
        y = X @ rng.normal(size=12) + rng.normal(size=80)
        model = InteractionSurrogate().fit(X, y)
        found += len(model.pairs_)
        if len(model.pairs_) == 0:
            np.testing.assert_allclose(model.coef_, LinearSurrogate().fit(X, y).coef_)
    assert found <= 1


def test_interaction_predicts_with_its_pairs():
    rng = np.random.default_rng(5)
    X = indicators(150, 6)
    y = 1 + X @ [1, -1, 0, 2, 0, 0] + 2 * X[:, 0] * X[:, 4] + rng.normal(0, 0.05, 150)
    model = InteractionSurrogate().fit(X, y)
    mean, std = model.predict([[1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0]], return_std=True)
    np.testing.assert_allclose(mean, [4, 1], atol=0.1)
    assert model.intercept_ == pytest.approx(1, abs=0.1)
    assert (std > 0).all()
    assert (std < 0.1).all()
    with pytest.raises(ValueError, match="max_pairs must be"):
        InteractionSurrogate(max_pairs=-1).fit(X, y)


@pytest.mark.parametrize("name", sorted(default_surrogates()))
def test_a_heavier_score_counts_for_more(name):
    rng = np.random.default_rng(6)
    X, y, weight = indicators(40, 5), rng.normal(size=40), np.ones(40)
    weight[0], y[0] = 50.0, 10.0
    heavy = default_surrogates()[name].fit(X, y, weight).predict(X[:1])[0]
    light = default_surrogates()[name].fit(X, y).predict(X[:1])[0]
    assert abs(heavy - 10) < abs(light - 10)


@pytest.mark.parametrize(("term", "expected"), [(linear, {"linear"}), (synergy, {"interaction"})])
def test_the_choice_follows_the_truth(term, expected):
    X, Y = study(term)
    choice = choose_surrogate(X, Y, default_surrogates())
    assert choice.name in expected
    error = {name: np.nanmean(values) for name, values in choice.error.items()}
    assert list(error) == list(default_surrogates())
    assert error[choice.name] <= min(error.values()) + 0.05


def test_none_is_chosen_where_no_source_matters():
    X, Y = study(linear)
    rng = np.random.default_rng(0)
    noise = np.where(np.isnan(Y), np.nan, rng.normal(size=Y.shape))
    n_labels = np.arange(1.0, 1 + X.shape[1])
    for candidates in (default_surrogates(n_labels), {"averaging": AveragingSurrogate()}):
        choice = choose_surrogate(X, noise, candidates)
        assert choice.name == "none"
        predicted = fit_surrogates(X, noise, choice.estimator).predict(X)
        assert np.ptp(predicted, axis=0).max() < 1e-12
    assert "label curve" in default_surrogates(np.ones(3))


def test_a_bad_choice():
    X, Y = study(linear)
    with pytest.raises(ValueError, match="at least one surrogate"):
        choose_surrogate(X, Y, {})
    few = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]])
    with pytest.raises(ValueError, match="5 distinct subsets at least, got 4"):
        choose_surrogate(few, np.where(few == 1, 0.5, np.nan), default_surrogates())


def test_synergy_makes_the_linear_model_inadequate():
    _, p_value = lack_of_fit(*study(synergy))
    assert rejected(p_value).sum() >= 6
    assert overall_p_value(p_value) < 1e-6
    statistic, p_value = lack_of_fit(*study(linear))
    assert not rejected(p_value).any()
    assert overall_p_value(p_value) > 0.05
    assert 0.5 < np.median(statistic) < 1.6


def test_lack_of_fit_rejects_a_true_model_as_often_as_it_says():
    p_values = [lack_of_fit(*study(linear, n=60, seed=seed))[1] for seed in range(25)]
    assert np.isfinite(p_values).all()
    assert np.mean([overall_p_value(one) < 0.1 for one in p_values]) < 0.3
    assert np.mean(np.array(p_values) < 0.1) == pytest.approx(0.1, abs=0.06)


def test_what_cannot_be_tested_is_unknown():
    X, Y = study(linear)
    _, once = lack_of_fit(X, Y[:1])
    assert np.isnan(once).all()
    assert np.isnan(overall_p_value(once))
    assert np.isnan(lack_of_fit(X[::8], Y[:, ::8])[1]).any()
    with pytest.raises(ValueError, match="n_repeats, n_subsets, n_tasks"):
        lack_of_fit(X, Y[0])
