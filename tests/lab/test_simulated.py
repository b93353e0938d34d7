import numpy as np
import pytest

from lab.simulated import simulate_subsets, simulate_truth


@pytest.mark.parametrize("kind", ["additive", "synergy", "clustered", "hierarchical"])
def test_truth_is_its_formula_and_its_seeds(kind):
    truth = simulate_truth(kind, 12, 3)
    np.testing.assert_array_equal(truth.effects, simulate_truth(kind, 12, 3).effects)
    assert not np.array_equal(truth.effects, simulate_truth(kind, 12, 4).effects)
    assert (np.diag(truth.effects) == 0).all()
    X = simulate_subsets(12, 20, 2, 9, np.random.default_rng(0))
    gains = truth.gains(X)
    for row in range(20):
        members = set(np.flatnonzero(X[row]))
        for target in range(12):
            expected = sum(truth.effects[target, source] for source in members)
            for (a, b), effect in zip(truth.pairs[target], truth.pair_effects[target], strict=True):
                expected += effect * (a in members and b in members)
            if target in members:
                assert gains[row, target] == pytest.approx(expected)
            else:
                assert np.isnan(gains[row, target])


def test_pairs_are_of_other_tasks():
    truth = simulate_truth("synergy", 8, 0)
    for target, pairs in enumerate(truth.pairs):
        assert target not in pairs
        assert len(np.unique(pairs)) == 4


def test_noise_gives_the_reliability_asked_for():
    truth = simulate_truth("additive", 10, 0)
    rng = np.random.default_rng(0)
    X = simulate_subsets(10, 400, 2, 8, rng)
    noise = truth.noise_at(X, 0.7, 3)
    Y = truth.measure(X, noise, 3, rng).mean(axis=0)
    share = np.nanvar(truth.gains(X), axis=0) / np.nanvar(Y, axis=0)
    assert share.mean() == pytest.approx(0.7, abs=0.04)


def test_bad_input():
    with pytest.raises(ValueError, match="kind must be one of"):
        simulate_truth("magic", 10, 0)
    with pytest.raises(ValueError, match="at least 5"):
        simulate_truth("additive", 4, 0)
    with pytest.raises(ValueError, match="sizes must obey"):
        simulate_subsets(5, 3, 0, 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="distinct subsets"):
        simulate_subsets(3, 10, 2, 3, np.random.default_rng(0))
