import warnings

import numpy as np
import pytest
from scipy import stats

from cotrain.surrogates import AffinitySurrogate, DesignWarning, LinearSurrogate, fit_surrogates
from cotrain.surrogates._evidence import evidence_posterior, told_by


def study(n_subsets: int, follow: float, seed: int) -> tuple[np.ndarray, ...]:
    """Subsets of 12 tasks, their scores in a repeat, the noise-free ones, and affinities.

    Effects correlate with the affinities by `follow`.
    """
    rng = np.random.default_rng(seed)
    affinity, other = rng.normal(size=(2, 12, 12))
    effects = follow * affinity + np.sqrt(1 - follow**2) * other
    codes = rng.choice(np.arange(1, 2**12), n_subsets + 200, replace=False)
    X = (codes[:, None] >> np.arange(12) & 1).astype(float)
    truth = np.where(X > 0, X @ effects.T - np.diag(effects), np.nan)
    noisy = truth + rng.normal(size=truth.shape)
    return X[:n_subsets], noisy[None, :n_subsets], X[n_subsets:], truth[n_subsets:], affinity


def error(model, X, Y, new, truth) -> float:
    warnings.simplefilter("ignore", DesignWarning)  # of so few subsets some lack a target
    return float(np.nanmean((fit_surrogates(X, Y, model).predict(new) - truth) ** 2))


def test_few_subsets_tell_much_where_effects_follow_affinity():
    gains = []
    for seed in range(10):
        *seen, affinity = study(14, 0.95, seed)
        gains.append(error(AffinitySurrogate(affinity), *seen) / error(LinearSurrogate(), *seen))
    assert np.mean(gains) < 0.6


def test_an_affinity_that_says_nothing_costs_little_once_subsets_are_many():
    costs = []
    for seed in range(5):
        *seen, affinity = study(150, 0.0, seed)
        costs.append(error(AffinitySurrogate(affinity), *seen) / error(LinearSurrogate(), *seen))
    assert 0.98 < np.mean(costs) < 1.03


def test_scale_and_sign_of_affinities_do_not_matter():
    X, Y, new, _, affinity = study(20, 0.8, 0)
    one, other = (
        fit_surrogates(X, Y, AffinitySurrogate(values)).predict(new)
        for values in (affinity, 3 - 1e-3 * affinity)
    )
    np.testing.assert_allclose(one, other)


def test_without_affinities_it_is_the_linear_surrogate():
    X, Y, new, *_ = study(20, 0.8, 0)
    expected = fit_surrogates(X, Y, LinearSurrogate())
    for values in (None, np.full((12, 12), np.nan), np.ones((12, 12))):
        found = fit_surrogates(X, Y, AffinitySurrogate(values))
        np.testing.assert_array_equal(found.predict(new), expected.predict(new))


def test_a_source_of_unknown_affinity_follows_the_mean():
    X, Y, new, _, affinity = study(40, 0.9, 0)
    gaps = affinity.copy()
    gaps[:, 3] = np.nan
    filled = np.where(np.isnan(gaps), np.nan, affinity)
    for target in set(range(12)) - {3}:
        others = [task for task in range(12) if task not in (3, target)]
        filled[target, 3] = affinity[target, others].mean()
    np.testing.assert_allclose(
        *(
            np.delete(fit_surrogates(X, Y, AffinitySurrogate(values)).predict(new), 3, axis=1)
            for values in (gaps, filled)
        ),
        rtol=1e-6,
    )


def test_affinities_of_another_shape_are_refused():
    X, Y, *_ = study(20, 0.8, 0)
    with pytest.raises(ValueError, match=r"affinity must be an array \(12, 12\)"):
        fit_surrogates(X, Y, AffinitySurrogate(np.ones((3, 3))))


def test_the_free_directions_are_those_of_a_vast_prior():
    """Against the posterior of a given penalty, with a vast variance along the directions.

    Averaged over penalties as the evidence does, mean and covariance are those of the mixture.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(15, 4))
    X -= X.mean(axis=0)
    y = X @ [1.0, 0.5, -1.0, 2.0] + rng.normal(size=15)
    y -= y.mean()
    free = np.column_stack([np.ones(4), [0.0, 1.0, 2.0, -3.0]])
    found = evidence_posterior(X, y, free)
    basis = np.linalg.qr(X @ free)[0]
    rest = X - basis @ (basis.T @ X)
    d, dof = np.linalg.svd(rest, compute_uv=False)[:2] ** 2, len(X) - 1.0 - 2
    shares = np.sin(np.pi / 2 * (np.arange(50) + 0.5) / 50) ** 2
    penalties = (d.sum() / dof) * (1 - shares) / shares
    means, covariances, weights = [], [], []
    for penalty, share in zip(penalties, shares, strict=True):
        prior = np.eye(4) / penalty + 1e7 * free @ free.T  # over the noise
        told = X @ prior @ X.T + np.eye(15)
        quadratic = y @ np.linalg.solve(told, y)
        noise = quadratic / dof
        means.append(prior @ X.T @ np.linalg.solve(told, y))
        covariances.append(noise * (prior - prior @ X.T @ np.linalg.solve(told, X @ prior)))
        evidence = -0.5 * (np.linalg.slogdet(told)[1] + dof * np.log(noise))
        weights.append(evidence + 0.5 * np.log(share * (1 - share)))
    weight = np.exp(np.array(weights) - max(weights))
    weight /= weight.sum()
    mean = weight @ np.array(means)
    np.testing.assert_allclose(found.mean, mean, atol=1e-3)
    spread = np.array(means) - mean
    covariance = np.einsum("i,ijk->jk", weight, covariances) + spread.T @ (weight[:, None] * spread)
    np.testing.assert_allclose(found.squares()[0], covariance, rtol=2e-2, atol=1e-3)


def test_the_filter_gives_the_effects():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 5))
    X -= X.mean(axis=0)
    free = np.column_stack([np.ones(5), np.arange(5.0)])
    for y in rng.normal(size=(3, 30)):
        found = evidence_posterior(X, y - y.mean(), free)
        # The filter is that of the mean penalty's weights: exact where one weight is all of it.
        correlation = stats.pearsonr(found.squares()[1] @ X.T @ (y - y.mean()), found.mean)[0]
        assert correlation > 0.9999


def test_directions_that_rows_do_not_tell_are_left_out():
    X = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0]])
    rows = X - X.mean(axis=0)  # all of one size: the mean effect is not told
    ones, line = np.ones((3, 1)), np.array([[1.0], [2.0], [-3.0]])
    assert told_by(rows, ones).shape[1] == 0
    np.testing.assert_array_equal(told_by(rows, np.hstack([ones, line])), line)
    np.testing.assert_array_equal(told_by(rows, np.hstack([line, 2 * line])), line)
