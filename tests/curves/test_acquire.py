import numpy as np
import pytest

from cotrain.curves import STRATEGIES, LabelState, TransferModel, simulate_acquisition

DISCOUNTS = np.array(
    [
        [0.003, 0.002, 0.0, 0.0],
        [0.001, 0.003, 0.0, 0.0],
        [0.001, 0.002, 0.002, 0.0],
        [0.0, 0.002, 0.0, 0.003],
    ]
)
COUNTS, AVAILABLE = np.full(4, 60.0), np.array([150.0, 120.0, 100.0, 400.0])


def score(counts: np.ndarray) -> np.ndarray:
    return 0.9 - np.exp(-1.0 - DISCOUNTS @ counts)


@pytest.fixture(scope="module")
def history() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    N = rng.integers(5, 60, (60, 4)) * (rng.random((60, 4)) < 0.7) * 1.0
    Y = np.array([score(n) for n in N]) + rng.normal(0, 0.003, N.shape)
    return N, np.where(N > 0, Y, np.nan)


def quick() -> TransferModel:
    return TransferModel(strengths=(0.3,), ranks=(0,), random_state=0)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("budget", [7, 300, 770])
def test_strategies_spend_the_budget_on_labels_that_there_are(name, budget, history):
    state = LabelState(*history, COUNTS, AVAILABLE, budget, quick())
    labels = np.asarray(STRATEGIES[name](state))
    assert labels.sum() == budget
    assert (labels >= 0).all()
    assert (labels <= AVAILABLE).all()
    assert (labels == np.round(labels)).all()


def test_shares_are_as_named(history):
    state = LabelState(*history, COUNTS, AVAILABLE, 77, quick())
    assert STRATEGIES["uniform"](state).tolist() == [20, 19, 19, 19]
    assert STRATEGIES["proportional"](state).tolist() == [15, 12, 10, 40]
    full = LabelState(*history, COUNTS, AVAILABLE, 500, quick())
    assert STRATEGIES["uniform"](full).tolist() == [140, 120, 100, 140]


def test_own_curves_label_the_task_that_rises_most_alone():
    n = np.tile([20.0, 40.0, 60.0, 80.0], 2)
    N = np.stack([n, n], axis=1)
    Y = np.stack([0.9 - np.exp(-1 - 0.03 * n), 0.9 - np.exp(-1 - 0.003 * n)], axis=1)
    counts = np.array([100.0, 100.0])
    state = LabelState(N, Y, counts, np.array([500.0, 500.0]), 100, quick())
    labels = STRATEGIES["own curves"](state)
    assert labels[1] > labels[0]


def test_the_transfer_model_gains_more_than_uniform(history):
    gain = {
        name: simulate_acquisition(
            score, STRATEGIES[name], *history, COUNTS, AVAILABLE, 60, 3, model=quick()
        ).gain_per_label
        for name in ("uniform", "transfer model")
    }
    assert gain["transfer model"] > 1.1 * gain["uniform"]


def test_a_path_holds_every_round(history):
    path = simulate_acquisition(
        score, STRATEGIES["proportional"], *history, COUNTS, AVAILABLE, 50, 4
    )
    assert path.counts.shape == path.scores.shape == (5, 4)
    assert np.diff(path.counts.sum(axis=1)) == pytest.approx(50)
    assert path.scores[-1] == pytest.approx(score(path.counts[-1]))
    gain = path.scores[-1].mean() - path.scores[0].mean()
    assert path.gain_per_label == pytest.approx(gain / 200)


def test_what_cannot_be_played_is_refused(history):
    with pytest.raises(ValueError, match="the 770 labels available, got 400 and 2"):
        simulate_acquisition(score, STRATEGIES["uniform"], *history, COUNTS, AVAILABLE, 400, 2)
    with pytest.raises(ValueError, match="spend the budget of 10"):
        simulate_acquisition(score, lambda state: state.counts, *history, COUNTS, AVAILABLE, 10, 1)
