import numpy as np
import pytest

from cotrain.surrogates import fit_surrogates, next_subsets, relevance
from cotrain.surrogates._adaptive import _State, _worth

N_TASKS = 10


def truth(seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    effects = rng.choice([-1.0, 0.0, 1.0], (N_TASKS, N_TASKS), p=[0.2, 0.6, 0.2]) * scale
    np.fill_diagonal(effects, 0)
    return effects


def draw(n, rng, max_size=6):
    X = np.zeros((n, N_TASKS))
    for row in X:
        row[rng.choice(N_TASKS, rng.integers(2, max_size + 1), replace=False)] = 1
    return np.unique(X, axis=0)


def measure(X, effects, rng, noise=1.0):
    return np.where(X == 1, X @ effects.T + rng.normal(0, noise, X.shape), np.nan)


def test_subsets_are_new_within_bounds_and_the_same_for_a_seed():
    rng = np.random.default_rng(0)
    X = draw(40, rng)
    Y = measure(X, truth(), rng)
    first = next_subsets(X, Y, 12, min_size=3, max_size=6)
    again = next_subsets(X, Y, 12, min_size=3, max_size=6)
    np.testing.assert_array_equal(first.subsets, again.subsets)
    assert first.n_undecided > 0
    assert first.subsets.shape == (12, N_TASKS)
    sizes = first.subsets.sum(axis=1)
    assert sizes.min() >= 3
    assert sizes.max() <= 6
    together = np.vstack([X.astype(bool), first.subsets])
    assert len(np.unique(together, axis=0)) == len(together)
    assert (first.expected > 0).all()


def test_the_variance_foretold_is_the_variance_that_comes():
    # The posterior of a linear model with known noise: adding a row is a rank-one update.
    rng = np.random.default_rng(1)
    X = draw(60, rng)
    Y = measure(X, truth(), rng)
    state = _State(fit_surrogates(X, Y), relevance(X, Y), 1.0, 0.0)
    subset = np.zeros(N_TASKS, dtype=bool)
    subset[[0, 1, 4]] = True
    before = state.covariance[0].copy()
    step = np.concatenate([[1.0], subset - state.origin[0]])
    exact = np.linalg.inv(np.linalg.inv(before) + np.outer(step, step) / state.noise[0])
    gain = state.gain(subset[None])[0]
    fall = 0.0
    for target in (0, 1, 4):
        old = np.diag(state.covariance[target])[1:].copy()
        other = state.covariance[target]
        own = np.concatenate([[1.0], subset - state.origin[target]])
        new = np.linalg.inv(np.linalg.inv(other) + np.outer(own, own) / state.noise[target])
        fall += state.worth[target] @ (old - np.diag(new)[1:])
    assert gain == pytest.approx(fall)
    state.add(subset)
    np.testing.assert_allclose(state.covariance[0], exact, atol=1e-9)


def test_what_is_decided_is_worth_nothing_more():
    rng = np.random.default_rng(2)
    X = draw(300, rng)
    effects = np.where(np.arange(N_TASKS)[:, None] < 5, 100.0, truth(scale=0.8))
    Y = measure(X, effects, rng)
    result = next_subsets(X, Y, 10, min_size=2, max_size=5)
    decided = np.isin(result.relevance.verdict[:5], ["helps"]).sum()
    assert decided == 5 * (N_TASKS - 1)
    # Targets 0 to 4 are known; only as sources do they still serve.
    members = result.subsets.sum(axis=0)
    assert members[5:].mean() > members[:5].mean()


def test_worth_is_greatest_where_a_verdict_is_near():
    variance = np.ones(3)
    worth = _worth(np.array([0.0, 2.0, 8.0]), variance, 2.5)
    assert worth[1] > 3 * worth[0]
    assert worth[1] > 3 * worth[2]


def test_it_stops_when_all_is_decided():
    rng = np.random.default_rng(3)
    X = draw(250, rng)
    effects = np.sign(rng.normal(size=(N_TASKS, N_TASKS)))
    result = next_subsets(X, measure(X, effects, rng, 0.05), 5, min_size=2, max_size=6)
    assert result.n_undecided == 0
    assert result.subsets.shape == (0, N_TASKS)


def test_negligible_effects_are_settled():
    rng = np.random.default_rng(4)
    X = draw(250, rng)
    Y = measure(X, 0 * truth(), rng, 0.1)
    assert next_subsets(X, Y, 5, min_size=2, max_size=6, negligible=0.1).n_undecided == 0
    assert next_subsets(X, Y, 5, min_size=2, max_size=6).n_undecided > 80


def test_adaptive_rounds_find_more_than_as_many_uniform_subsets():
    adaptive, uniform = [], []
    for seed in range(3):
        effects = truth(seed)
        rng = np.random.default_rng(seed)
        X = rng.permutation(draw(500, rng))[:150]
        Y = measure(X, effects, rng, 1.5)
        uniform.append(share_found(X, Y, effects))
        X, Y = X[:30], Y[:30]
        while len(X) < 150:
            new = next_subsets(X, Y, 20, min_size=2, max_size=6).subsets.astype(float)
            X, Y = np.vstack([X, new]), np.vstack([Y, measure(new, effects, rng, 1.5)])
        adaptive.append(share_found(X, Y, effects))
    assert np.mean(adaptive) > np.mean(uniform) + 0.15


def share_found(X, Y, effects):
    verdict = relevance(X, Y).verdict
    right = ((verdict == "helps") & (effects > 0)) | ((verdict == "hurts") & (effects < 0))
    return right.sum() / np.count_nonzero(effects)


@pytest.mark.parametrize(
    ("option", "match"),
    [
        ({"min_size": 0}, "sizes must obey"),
        ({"max_size": 11}, "sizes must obey"),
        ({"n_subsets": 0}, "n_subsets must be"),
    ],
)
def test_bad_options(option, match):
    rng = np.random.default_rng(0)
    X = draw(40, rng)
    arguments = {"n_subsets": 3, "min_size": 2, "max_size": 5, **option}
    with pytest.raises(ValueError, match=match):
        next_subsets(X, measure(X, truth(), rng), **arguments)
