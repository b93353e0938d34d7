import numpy as np
import pytest

from cotrain.curves import TransferModel
from lab.acquisition import STRATEGIES, LabelState, _reveal, simulate_acquisition
from lab.transfer_intervals import score_variance

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


def test_uncertainty_labels_the_least_sure_score_first(history):
    state = LabelState(*history, COUNTS, AVAILABLE, 40, quick())
    labels = STRATEGIES["uncertainty"](state)
    model = quick().fit(*history)
    sure = score_variance(model, (COUNTS + labels)[None])[0]
    assert labels[np.argmax(score_variance(model, COUNTS[None])[0])] > 0
    assert sure[labels > 0].min() > 0.9 * sure.max()


FOLDS = np.array([[50, 50, 50], [40, 40, 40], [60, 20, 20], [200, 100, 100]])


def play(revealed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels = np.array([folds[:n].sum() for folds, n in zip(FOLDS, revealed, strict=True)])
    return score(COUNTS + labels) - 0.01, score(COUNTS + labels)


def test_the_transfer_model_gains_more_than_uniform(history):
    folds = np.tile(AVAILABLE[:, None] // 10, 10)

    def fine(revealed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (score(COUNTS + revealed * folds[:, 0]),) * 2

    gain = {
        name: simulate_acquisition(
            fine, STRATEGIES[name], *history, COUNTS, folds, 60, 3, model=quick()
        ).gain_per_label
        for name in ("uniform", "transfer model")
    }
    assert gain["transfer model"] > 1.1 * gain["uniform"]


def test_a_path_reveals_whole_folds_and_keeps_to_the_budget(history):
    path = simulate_acquisition(play, STRATEGIES["uniform"], *history, COUNTS, FOLDS, 100, 4)
    assert path.revealed.shape == path.counts.shape == path.scores.shape == (5, 4)
    assert (np.diff(path.revealed, axis=0) >= 0).all()
    for revealed, counts, scores in zip(path.revealed, path.counts, path.scores, strict=True):
        assert counts - COUNTS == pytest.approx(
            [folds[:n].sum() for folds, n in zip(FOLDS, revealed, strict=True)]
        )
        assert scores == pytest.approx(score(counts))
    spent = (path.counts - COUNTS).sum(axis=1)
    assert np.abs(spent - 100 * np.arange(5)).max() <= FOLDS.max() / 2
    gain = path.scores[-1].mean() - path.scores[0].mean()
    assert path.gain_per_label == pytest.approx(gain / spent[-1])


def test_strategies_learn_from_the_first_scores_alone(history):
    seen: list[np.ndarray] = []

    def watch(state: LabelState) -> np.ndarray:
        seen.append(state.Y[-1])
        return STRATEGIES["uniform"](state)

    path = simulate_acquisition(play, watch, *history, COUNTS, FOLDS, 100, 2)
    assert np.array(seen) == pytest.approx(path.scores[:-1] - 0.01)


def test_strategies_are_told_the_folds_that_each_task_was_trained_on(history):
    seen: list[np.ndarray] = []

    def watch(state: LabelState) -> np.ndarray:
        assert state.blocks is not None
        seen.append(state.blocks)
        return STRATEGIES["uniform"](state)

    own_folds = np.random.default_rng(0).integers(0, 3, history[0].shape)
    path = simulate_acquisition(play, watch, *history, COUNTS, FOLDS, 100, 2, own_folds=own_folds)
    assert (seen[0] == np.vstack([own_folds, np.full(len(COUNTS), 2)])).all()
    assert (seen[1] == np.vstack([seen[0], 2 + path.revealed[1]])).all()


def test_folds_of_other_fits_are_refused(history):
    own_folds = np.zeros((1, len(COUNTS)), dtype=int)
    with pytest.raises(ValueError, match="own_folds must have the shape of N"):
        simulate_acquisition(
            play, STRATEGIES["uniform"], *history, COUNTS, FOLDS, 100, 2, own_folds=own_folds
        )


def test_folds_are_revealed_as_planned_until_the_budget_is_spent():
    one_each = np.array([1, 1, 1, 0])
    assert _reveal(np.array([50, 40, 60, 0]), FOLDS, np.zeros(4, int)).tolist() == [1, 1, 1, 0]
    assert _reveal(np.array([0, 0, 40, 0]), FOLDS, one_each).tolist() == [1, 1, 3, 0]
    # Too little for half a fold of the task asked for: nothing is revealed.
    assert _reveal(np.array([0, 0, 0, 90]), FOLDS, one_each).tolist() == [1, 1, 1, 0]
    assert _reveal(np.array([0, 0, 0, 110]), FOLDS, one_each).tolist() == [1, 1, 1, 1]
    # The labels of a task run out: the others' folds take its place.
    assert _reveal(np.array([0, 0, 120, 0]), FOLDS, one_each).sum() > one_each.sum() + 2


def test_what_cannot_be_played_is_refused(history):
    with pytest.raises(ValueError, match="the 770 labels available, got 400 and 2"):
        simulate_acquisition(play, STRATEGIES["uniform"], *history, COUNTS, FOLDS, 400, 2)
    with pytest.raises(ValueError, match="spend the budget of 10"):
        simulate_acquisition(play, lambda state: state.counts, *history, COUNTS, FOLDS, 10, 1)
