import numpy as np
import pytest

from cotrain.surrogates import DesignWarning, fit_surrogates, next_subsets, relevance
from cotrain.surrogates._adaptive import _climb, _State

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


def measure_thrice(X, effects, rng, noise=1.0):
    """Three repeats whose mean has this noise: one repeat decides nothing."""
    return np.stack([measure(X, effects, rng, noise * np.sqrt(3)) for _ in range(3)])


def test_subsets_are_new_within_bounds_and_the_same_for_a_seed():
    rng = np.random.default_rng(0)
    X = draw(40, rng)
    Y = measure(X, truth(), rng)
    first = next_subsets(X, Y, 12, min_size=3, max_size=6)
    again = next_subsets(X, Y, 12, min_size=3, max_size=6)
    np.testing.assert_array_equal(first, again)
    assert first.shape == (12, N_TASKS)
    sizes = first.sum(axis=1)
    assert sizes.min() >= 3
    assert sizes.max() <= 6
    together = np.vstack([X.astype(bool), first])
    assert len(np.unique(together, axis=0)) == len(together)


@pytest.fixture
def state():
    rng = np.random.default_rng(1)
    X = draw(60, rng)
    Y = measure(X, truth(), rng)
    return _State(fit_surrogates(X, Y), relevance(X, Y), 1.0, range(2, 7))


def indicators(*members):
    return np.isin(np.arange(N_TASKS), members)


def test_the_variance_foretold_is_the_variance_that_comes(state):
    # The posterior of a linear model with known noise: adding a row is a rank-one update.
    subset = indicators(0, 1, 4)
    gain, fall, exact = state.gains(subset)[0], 0.0, {}
    for target in (0, 1, 4):
        old = state.covariance[target]
        step = np.concatenate([[1.0], subset - state.origin[target]])
        precision = np.linalg.inv(old) + np.outer(step, step) / state.noise[target]
        exact[target] = np.linalg.inv(precision)
        fall += state.worth[target] @ np.diag(old - exact[target])
    assert gain == pytest.approx(fall)
    before = state.covariance[2].copy()
    state.add(subset)
    for target, covariance in exact.items():
        np.testing.assert_allclose(state.covariance[target], covariance, atol=1e-9)
    np.testing.assert_array_equal(state.covariance[2], before)


def test_steps_gain_what_the_subsets_they_lead_to_do(state):
    subset = indicators(0, 1, 4)
    for _ in range(2):
        changed = state.gains(subset)[1]
        for task in range(N_TASKS):
            assert changed[task] == pytest.approx(state.gains(subset ^ indicators(task))[0])
        state.add(subset)


def test_no_step_and_no_exchange_of_the_choice_is_better(state):
    best, gain = _climb(state, indicators(0, 1, 4))
    tasks = range(N_TASKS)
    near = [best ^ indicators(a) for a in tasks] + [
        best ^ indicators(a, b) for a in tasks for b in tasks if best[a] and not best[b]
    ]
    values = [state.gains(subset)[0] for subset in near if 2 <= subset.sum() <= 6]
    assert gain >= max(values) * 0.999
    assert gain == pytest.approx(state.gains(best)[0])


def test_targets_with_too_few_scores_are_sampled():
    rng = np.random.default_rng(5)
    X = draw(60, rng)
    X[3:, 7] = 0
    Y = measure(X, truth(), rng)
    with pytest.warns(DesignWarning):
        chosen = next_subsets(X, Y, 6, min_size=2, max_size=6)
    assert chosen[:, 7].sum() >= 3


def test_what_is_decided_is_worth_nothing_more():
    rng = np.random.default_rng(2)
    X = draw(300, rng)
    effects = np.where(np.arange(N_TASKS)[:, None] < 5, 100.0, truth(scale=0.8))
    Y = measure_thrice(X, effects, rng)
    chosen = next_subsets(X, Y, 10, min_size=2, max_size=5)
    decided = np.isin(relevance(X, Y).verdict[:5], ["helps"]).sum()
    assert decided == 5 * (N_TASKS - 1)
    # Targets 0 to 4 are known; only as sources do they still serve.
    members = chosen.sum(axis=0)
    assert members[5:].mean() > members[:5].mean()


def test_it_stops_when_all_is_decided():
    rng = np.random.default_rng(3)
    X = draw(250, rng)
    effects = np.sign(rng.normal(size=(N_TASKS, N_TASKS)))
    chosen = next_subsets(X, measure_thrice(X, effects, rng, 0.05), 5, min_size=2, max_size=6)
    assert chosen.shape == (0, N_TASKS)


def test_adaptive_rounds_find_more_than_as_many_uniform_subsets():
    adaptive, uniform = [], []
    for seed in range(3):
        effects = truth(seed)
        rng = np.random.default_rng(seed)
        X = rng.permutation(draw(500, rng))[:150]
        Y = measure_thrice(X, effects, rng, 1.5)
        uniform.append(share_found(X, Y, effects))
        X, Y = X[:30], Y[:, :30]
        while len(X) < 150:
            new = next_subsets(X, Y, 20, min_size=2, max_size=6).astype(float)
            Y = np.concatenate([Y, measure_thrice(new, effects, rng, 1.5)], axis=1)
            X = np.vstack([X, new])
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
