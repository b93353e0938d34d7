from itertools import product

import numpy as np
import pytest

from cotrain.surrogates import (
    InteractionSurrogate,
    best_sources,
    fit_surrogates,
    simulate_subsets,
    simulate_truth,
    sources_above,
)

N_TASKS = 9


@pytest.fixture(scope="module")
def study():
    truth = simulate_truth("synergy", N_TASKS, 0)
    rng = np.random.default_rng(0)
    X = simulate_subsets(N_TASKS, 150, 2, 8, rng)
    return X, truth.measure(X, 0.1, 1, rng)


def test_a_linear_surrogate_wants_every_source_that_helps(study):
    models = fit_surrogates(*study)
    for target in range(N_TASKS):
        expected = np.nan_to_num(models.coef[target]) > 0
        np.testing.assert_array_equal(best_sources(models, target), expected)


@pytest.mark.parametrize("max_size", [None, 3])
def test_with_pairs_it_is_the_best_of_all_sets(study, max_size):
    models = fit_surrogates(*study, InteractionSurrogate())
    sets = np.array(list(product([0, 1], repeat=N_TASKS)), dtype=float)
    for target in range(N_TASKS):
        allowed = sets[sets[:, target] == 0]
        if max_size is not None:
            allowed = allowed[allowed.sum(axis=1) <= max_size]
        predicted = models.predict(allowed)[:, target]
        found = best_sources(models, target, max_size=max_size)
        assert not found[target]
        assert models.predict(found[None])[0, target] == pytest.approx(predicted.max())


def test_thresholds_give_nested_sets():
    coef = np.array([0.5, np.nan, -0.2, 0.1])
    sets = sources_above(coef, [-1.0, 0.0, 0.05, 0.3, 9.0])
    expected = [[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 1], [1, 0, 1, 1]]
    assert sets.astype(int).tolist() == expected


def test_bad_targets(study):
    models = fit_surrogates(*study)
    with pytest.raises(ValueError, match="target must be in"):
        best_sources(models, N_TASKS)
    with pytest.raises(ValueError, match="max_size must be"):
        best_sources(models, 0, max_size=-1)
    X, Y = study
    gone = Y.copy()
    gone[:, :, 2] = np.nan
    with pytest.warns(UserWarning, match=r"targets \[2\]"):
        models = fit_surrogates(X, gone)
    with pytest.raises(ValueError, match="target 2 has no surrogate: needs at least 4 scores"):
        best_sources(models, 2)
