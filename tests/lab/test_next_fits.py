import itertools

import numpy as np
import pytest

from cotrain.curves import TransferModel
from cotrain.curves._transfer_core import score_gradient
from lab.next_fits import next_fits


@pytest.fixture(scope="module")
def model() -> TransferModel:
    rng = np.random.default_rng(0)
    N = rng.integers(0, 300, size=(40, 4)).astype(float)
    N[:, 3] *= rng.random(40) < 0.1  # little is known about the last source
    a = np.full((4, 4), 0.0005) + np.eye(4) * 0.003
    Y = np.where(N > 0, 0.9 - np.exp(-1.0 - N @ a.T) + rng.normal(0, 0.004, N.shape), np.nan)
    return TransferModel(strengths=(0.3,), ranks=(0,)).fit(N, Y)


CANDIDATES = np.random.default_rng(1).integers(1, 300, size=(7, 4)) * 1.0


def information(model: TransferModel, chosen: list[int]) -> float:
    """What the chosen fits tell together: ½ log det(I + G C Gᵀ / noise²), summed over targets."""
    total = 0.0
    for target, fit in enumerate(model.fits_):
        gradient = score_gradient(fit.z, target, CANDIDATES[chosen] / model.scales_)
        told = gradient @ fit.covariance[:6, :6] @ gradient.T / model.noise_[target] ** 2
        total += 0.5 * np.linalg.slogdet(np.eye(len(chosen)) + told)[1]
    return total


def test_each_choice_adds_the_most_information(model):
    chosen = next_fits(model, CANDIDATES, 4)
    for n in range(4):
        before = list(chosen[:n])
        rest = [c for c in range(7) if c not in before]
        best = max(rest, key=lambda c: information(model, [*before, c]))
        assert chosen[n] == best


def test_greedy_comes_close_to_the_best_set(model):
    best = max(information(model, list(s)) for s in itertools.combinations(range(7), 3))
    assert information(model, list(next_fits(model, CANDIDATES, 3))) >= 0.95 * best


def test_what_is_unknown_is_asked_first(model):
    each = np.eye(4) * 250 + 20
    assert next_fits(model, each, 1)[0] == 3


def test_cost_and_scored_tasks_count(model):
    first = next_fits(model, CANDIDATES, 1)[0]
    dear = np.ones(7)
    dear[first] = 100
    assert next_fits(model, CANDIDATES, 1, costs=dear)[0] != first
    unscored = np.ones((7, 4), dtype=bool)
    unscored[first] = False
    assert next_fits(model, CANDIDATES, 6, scored=unscored)[:6].tolist().count(first) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 8}, r"1 \.\. 7"),
        ({"candidates": CANDIDATES[:, :2]}, r"shape \(n, 4\)"),
        ({"costs": np.zeros(7)}, "above 0"),
    ],
)
def test_wrong_requests_are_refused(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        next_fits(model, **{"candidates": CANDIDATES, "n": 2, **arguments})
