"""What is not clearly worse and costs less is preferred."""

import numpy as np
import pytest

from cotrain.grouping import (
    Constraints,
    LinearValue,
    Objective,
    PredictedValue,
    exact_groups,
    greedy_groups,
    search_groups,
    simplest,
)

ALONE = np.array([0.5, 0.6, 0.7])
HELP = LinearValue(ALONE, [[0, 0.02, 0.02], [0.02, 0, -0.01], [0.02, -0.01, 0]])
TOGETHER, SINGLE = ((0, 1, 2),), ((0,), (1,), (2,))
PAIRS = ((0, 1), (0, 1, 2))


def test_the_best_without_a_tolerance_and_the_cheapest_within_it() -> None:
    objective = Objective(HELP)
    found = {
        tolerance: simplest(objective, [TOGETHER, SINGLE, PAIRS], tolerance)
        for tolerance in (0.0, 0.002, 0.02)
    }
    assert found[0.0].groups == PAIRS
    assert found[0.0].value == pytest.approx(0.6 + (0.04 + 0.02 + 0.01) / 3)
    assert found[0.002].groups == PAIRS
    assert found[0.02].groups == TOGETHER
    assert found[0.02].value == pytest.approx(0.6 + 0.02)


def test_of_equal_cost_the_fewer_models_and_then_the_better() -> None:
    objective = Objective(LinearValue(np.zeros(2), np.zeros((2, 2))))
    assert simplest(objective, [((0,), (1,)), ((0, 1),)]).groups == ((0, 1),)
    better = Objective(LinearValue(np.zeros(4), np.diag([1.0, 0, 1.0], 1)))
    same_cost = [((0, 2), (1, 3)), ((0, 1), (2, 3))]
    assert simplest(better, same_cost, tolerance=1.0).groups == same_cost[1]


def test_groupings_that_break_a_rule_are_passed_over() -> None:
    objective = Objective(HELP, Constraints(max_groups=2))
    assert simplest(objective, [SINGLE, TOGETHER]).groups == TOGETHER
    with pytest.raises(ValueError, match="must hold one that keeps the constraints, got none"):
        simplest(objective, [SINGLE])
    with pytest.raises(ValueError, match="tolerance must be at least 0"):
        simplest(objective, [TOGETHER], tolerance=-1)


@pytest.mark.parametrize("n_tasks", [5, 24])
@pytest.mark.parametrize("search", ["exact", "greedy", "optuna"])
def test_where_all_groupings_are_worth_the_same_there_is_one_model(n_tasks, search) -> None:
    """A surrogate that predicts the mean whatever the group."""
    mean = np.linspace(0.5, 0.9, n_tasks)
    objective = Objective(
        PredictedValue(lambda groups: np.broadcast_to(mean, groups.shape), n_tasks), Constraints(3)
    )
    found = {
        "exact": lambda: exact_groups(objective),
        "greedy": lambda: greedy_groups(objective, seed=0),
        "optuna": lambda: search_groups(objective, trials=30).best,
    }[search]()
    assert found.groups == (tuple(range(n_tasks)),)
    assert found.certificate.startswith("nothing to choose")
    assert found.value == pytest.approx(0.7)


def test_rules_hold_where_there_is_nothing_to_choose() -> None:
    rules = Constraints(3, max_size=2)
    objective = Objective(LinearValue(np.zeros(5), np.zeros((5, 5))), rules)
    found = exact_groups(objective)
    assert len(found.groups) == 3
    assert max(map(len, found.groups)) <= 2
