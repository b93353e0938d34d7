"""Every fitted model of the package as the objective of a search, or what was measured itself."""

from itertools import product

import numpy as np
import pytest

from cotrain.curves import TransferModel
from cotrain.grouping import (
    AffinityValue,
    Constraints,
    Objective,
    PredictedValue,
    exact_groups,
    search_groups,
)
from cotrain.surrogates import LinearSurrogate, fit_surrogates
from lab.group_mean import AveragingSurrogate, PairwiseSurrogate
from lab.interaction import InteractionSurrogate
from lab.kernel_surrogate import KernelSurrogate
from lab.simulated import simulate_truth
from lab.transfer_intervals import score_variance

N_TASKS, N_GROUPS = 6, 2
EVERY = np.array([row for row in product([0, 1], repeat=N_TASKS) if any(row)], dtype=float)


@pytest.fixture(scope="module")
def measured() -> np.ndarray:
    """Scores (n_subsets, n_tasks) of every subset, NaN for tasks outside."""
    truth = simulate_truth("clustered", N_TASKS, seed=0)
    return truth.measure(EVERY, 0.05, 1, np.random.default_rng(0))[0]


def best_by_hand(scores: np.ndarray) -> float:
    """The best of all pairs of groups by the scores (n_subsets, n_tasks) of every group."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    return float(np.maximum(known[:, None], known).mean(axis=2).max())


def check(value, scores: np.ndarray) -> None:
    objective = Objective(value, Constraints(N_GROUPS))
    found = exact_groups(objective, seed=0)
    assert found.is_optimal
    assert found.value == pytest.approx(best_by_hand(scores))
    searched = search_groups(objective, trials=80, seed=0, warm_start=())
    assert searched.best.value == pytest.approx(found.value)


def inside(scores: np.ndarray) -> np.ndarray:
    return np.where(EVERY == 1, scores, np.nan)


@pytest.mark.parametrize(
    "estimator",
    [
        LinearSurrogate(),
        InteractionSurrogate(),
        KernelSurrogate(),
        AveragingSurrogate(),
        PairwiseSurrogate(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_surrogates_and_their_lower_bounds(measured, estimator) -> None:
    fitted = fit_surrogates(EVERY, measured, estimator)
    estimate = PredictedValue(fitted.predict, N_TASKS)
    np.testing.assert_allclose(estimate.scores(EVERY == 1), inside(fitted.predict(EVERY)))
    cautious = PredictedValue(fitted.predict, N_TASKS, fitted.predict_std, z=1.5)
    expected = inside(fitted.predict(EVERY) - 1.5 * fitted.predict_std(EVERY))
    np.testing.assert_allclose(cautious.scores(EVERY == 1), expected)
    check(cautious, expected)


@pytest.mark.parametrize("z", [0.0, 1.0])
def test_the_global_transfer_model(z) -> None:
    rng = np.random.default_rng(1)
    counts = np.array([400, 300, 200, 150, 100, 50.0])
    discounts = 0.004 * np.eye(N_TASKS) + rng.normal(0, 0.001, (N_TASKS, N_TASKS))
    N = np.vstack([EVERY * counts, EVERY * counts / 2])
    scores = 0.9 - np.exp(-1.0 - N @ discounts.T) + rng.normal(0, 0.005, N.shape)
    model = TransferModel(strengths=(0.2,), ranks=(0,), random_state=0)
    model.fit(N, np.where(N > 0, scores, np.nan))
    value = PredictedValue(
        lambda members: model.predict(members * counts),
        N_TASKS,
        lambda members: np.sqrt(score_variance(model, members * counts)),
        z,
    )
    N = EVERY * counts
    check(value, inside(model.predict(N) - z * np.sqrt(score_variance(model, N))))


def test_what_was_measured_itself(measured) -> None:
    """A group that was not measured serves nobody."""
    known = measured.copy()
    known[np.random.default_rng(2).random(len(EVERY)) < 0.5] = np.nan
    known[EVERY.sum(axis=1) == 1] = measured[EVERY.sum(axis=1) == 1]
    row = {
        subset.astype(bool).tobytes(): scores for subset, scores in zip(EVERY, known, strict=True)
    }
    nothing = np.full(N_TASKS, np.nan)
    value = PredictedValue(
        lambda members: np.array([row.get(one.tobytes(), nothing) for one in members]), N_TASKS
    )
    objective = Objective(value, Constraints(3))
    found = exact_groups(objective)
    assert found.is_optimal
    best = np.where(np.isnan(known), -np.inf, known)
    pairs = np.maximum(best[:, None], best)
    expected = np.maximum(pairs[:, :, None], best).mean(axis=3).max()
    assert found.value == pytest.approx(expected)
    # Auxiliaries join one after the other, through groups that may not have been measured.
    searched = search_groups(objective, trials=200, seed=0).best
    assert 0.9 * expected <= searched.value <= expected + 1e-9


def test_affinities(measured) -> None:
    affinity = np.random.default_rng(3).normal(size=(N_TASKS, N_TASKS))
    value = AffinityValue(affinity, np.zeros(N_TASKS))
    np.fill_diagonal(affinity, 0)
    others = np.maximum(EVERY.sum(axis=1, keepdims=True) - 1, 1)
    check(value, inside(EVERY @ affinity.T / others))


def test_a_budget_at_inference_and_tasks_that_serve_as_auxiliaries_alone(measured) -> None:
    fitted = fit_surrogates(EVERY, measured)
    value = PredictedValue(fitted.predict, N_TASKS)
    scores = inside(fitted.predict(EVERY))
    sizes = EVERY.sum(axis=1)
    cost = np.where(sizes > 1, 1.0, 0.5)
    known = np.where(np.isnan(scores), -np.inf, scores)
    total = cost[:, None, None] + cost[:, None] + cost
    for budget in (1.0, 1.5, 2.0, 2.5):
        found = exact_groups(Objective(value, Constraints(3, max_cost=budget)))
        three = np.maximum(np.maximum(known[:, None], known)[:, :, None], known).mean(axis=3)
        two = np.maximum(known[:, None], known).mean(axis=2)
        expected = max(
            known.mean(axis=1)[cost <= budget].max(initial=-np.inf),
            two[cost[:, None] + cost <= budget].max(initial=-np.inf),
            three[total <= budget].max(initial=-np.inf),
        )
        assert found.value == pytest.approx(expected)
        assert found.cost <= budget
