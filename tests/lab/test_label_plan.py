import itertools

import numpy as np
import pytest

from cotrain.curves import TransferModel
from lab.label_plan import recommend_labels, task_weights


@pytest.fixture(scope="module")
def model() -> TransferModel:
    """Three tasks: labels of the first help all, those of the last hurt the second."""
    rng = np.random.default_rng(0)
    N = rng.integers(0, 300, size=(150, 3)).astype(float)
    a = np.array([[0.004, 0.0005, 0.0], [0.003, 0.004, -0.001], [0.002, 0.0, 0.003]])
    Y = 0.9 - np.exp(-1.0 - N @ a.T) + rng.normal(0, 0.003, N.shape)
    return TransferModel(strengths=(0.5,), ranks=(0,), random_state=0).fit(N, Y)


COUNTS = np.array([100.0, 100.0, 100.0])


@pytest.mark.parametrize("weights", [None, np.array([0.0, 1.0, 3.0])])
@pytest.mark.parametrize("available", [None, np.array([6.0, 8.0, 12.0])])
def test_the_plan_is_the_best_of_all(model, weights, available):
    budget = 12
    plan = recommend_labels(model, COUNTS, budget, weights=weights, available=available)
    limits = np.full(3, budget) if available is None else available
    share = np.ones(3) if weights is None else weights
    best = max(
        model.predict((COUNTS + np.array(split))[None])[0] @ share / share.sum()
        for split in itertools.product(range(budget + 1), repeat=3)
        if sum(split) == budget and (np.array(split) <= limits).all()
    )
    reached = model.predict((COUNTS + plan.labels)[None])[0] @ share / share.sum()
    before = model.predict(COUNTS[None])[0] @ share / share.sum()
    assert reached == pytest.approx(best, abs=1e-5)
    assert plan.mean_gain == pytest.approx(reached - before)
    assert plan.bound >= best - before - 1e-12
    assert plan.bound - plan.mean_gain < 0.05 * plan.mean_gain


def test_a_plan_spends_the_budget_and_knows_how_sure_it_is(model):
    plan = recommend_labels(model, COUNTS, 200)
    assert plan.labels.sum() == 200
    assert plan.interval[0] < plan.mean_gain < plan.interval[1]
    assert plan.labels[0] == plan.labels.max()
    wider = recommend_labels(model, COUNTS, 200, level=0.99).interval
    assert np.ptp(wider) > np.ptp(plan.interval)


def test_worth_is_the_gain_of_one_more_label(model):
    worth = recommend_labels(model, COUNTS, 10).worth
    one_more = model.predict(COUNTS + np.eye(3)) - model.predict(COUNTS[None])
    assert worth == pytest.approx(one_more.mean(axis=1), rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 0}, "budget must be between 1"),
        ({"budget": 9, "available": np.array([1.0, 2.0, 3.0])}, "the 6 labels available, got 9"),
        ({"budget": 9, "weights": np.zeros(3)}, "one above 0"),
        ({"budget": 9, "weights": np.ones(2)}, "weights must hold 3"),
        ({"budget": 9, "counts": np.array([-1.0, 2.0, 3.0])}, "counts must hold 3"),
    ],
)
def test_wrong_requests_are_refused(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        recommend_labels(model, **{"counts": COUNTS, **arguments})


def test_the_worth_of_a_task_is_the_gain_of_the_plan_that_can_buy_no_other(model):
    counts = np.array([100.0, 40.0, 60.0])
    gain, low, high = model.label_worth(counts, 50)
    for task in range(3):
        available = np.where(np.arange(3) == task, 50, 0)
        plan = recommend_labels(model, counts, 50, available=available)
        assert gain[task] == pytest.approx(plan.mean_gain)
        # The worth counts the error of what tasks share once for all of them, the plan for each.
        assert low[task] <= plan.interval[0] + 1e-12
        assert high[task] >= plan.interval[1] - 1e-12


def test_task_weights_follow_what_labels_are_worth():
    rates = np.array([[1.0, 0.5, -0.2], [0.2, 1.0, -0.9], [0.0, 0.3, 0.9]])
    worth = np.array([1.2, 1.8, 0.0])
    assert task_weights(rates) == pytest.approx(worth / worth.mean())
    assert task_weights(rates, np.array([1.0, 0, 0])) == pytest.approx([2.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (np.ones((2, 3)), "shape"),
        (np.array([[np.nan, 1.0], [1.0, 1.0]]), "finite"),
        (-np.ones((2, 2)), "worth above 0"),
    ],
)
def test_rates_that_give_no_weights_are_refused(rates, message):
    with pytest.raises(ValueError, match=message):
        task_weights(rates)
