"""Local search against every partition there is."""

from itertools import product

import numpy as np
import pytest

from cotrain.grouping import (
    Constraints,
    LinearValue,
    Objective,
    exact_groups,
    greedy_groups,
    grouping_result,
)
from cotrain.grouping.search._local import suits
from cotrain.grouping.search._relocation import _descend, relocate


def value(n_tasks: int, seed: int) -> LinearValue:
    rng = np.random.default_rng(seed)
    return LinearValue(rng.normal(size=n_tasks), rng.normal(size=(n_tasks, n_tasks)))


@pytest.mark.parametrize("n_groups", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_relocation_finds_the_best_of_all_partitions(seed, n_groups) -> None:
    weights = np.random.default_rng(seed).uniform(0.5, 2, 6)
    objective = Objective(value(6, seed), Constraints(n_groups), weights)
    gain = np.asarray(objective.weights)[:, None] * objective.value.coef
    best = -np.inf
    for labels in product(range(n_groups), repeat=6):
        served = np.array(labels) == np.arange(n_groups)[:, None]
        sums = served @ gain
        best = max(best, np.where(served, sums, np.maximum(sums, 0)).sum())
    best += float(objective.weights @ objective.value.intercept)
    assert objective.score(relocate(objective, seed=0, starts=3)) == pytest.approx(best)
    assert exact_groups(objective).value == pytest.approx(best)


def test_a_descent_returns_the_value_it_reached_and_no_single_move_betters_it() -> None:
    objective = Objective(value(12, 5), Constraints(4))
    gain = np.ascontiguousarray(objective.value.coef / 12)
    labels = np.random.default_rng(0).integers(0, 4, 12)
    reached = _descend(labels, gain, 4)
    assert _descend(labels.copy(), gain, 4) == pytest.approx(reached)
    for task, group in product(range(12), range(4)):
        moved = labels.copy()
        moved[task] = group
        served = moved == np.arange(4)[:, None]
        sums = served @ gain
        assert np.where(served, sums, np.maximum(sums, 0)).sum() <= reached + 1e-12


def test_more_groups_are_never_worth_less() -> None:
    rng = np.random.default_rng(0)
    label = np.arange(30) % 5
    coef = np.where(label[:, None] == label, 0.01, -0.004) + rng.normal(0, 0.004, (30, 30))
    values = [
        greedy_groups(Objective(LinearValue(np.zeros(30), coef), Constraints(k)), seed=0).value
        for k in range(1, 11)
    ]
    assert values == sorted(values)


def test_the_same_seed_gives_the_same_groups() -> None:
    objective = Objective(value(20, 1), Constraints(4))
    first, second = (greedy_groups(objective, seed=3, starts=2) for _ in range(2))
    assert first.groups == second.groups


def test_a_lower_confidence_bound_is_searched_and_rules_are_left_to_others() -> None:
    found = value(13, 0)
    cautious = LinearValue(found.intercept, found.coef, np.full((13, 13), 0.3), z=1)
    objective = Objective(cautious, Constraints(3))
    assert suits(objective)
    assert not suits(Objective(value(12, 0), Constraints(3)))  # few: not worth compiling
    greedy = greedy_groups(objective, seed=0)
    assert greedy.value == pytest.approx(exact_groups(objective).value, rel=0.02)
    assert (
        grouping_result(objective, relocate(objective, seed=0, starts=1)).value
        <= greedy.value + 1e-12
    )
    assert not suits(Objective(found, Constraints(3, max_size=4)))
    assert not suits(Objective(found, Constraints(3, must_share=((0, 1),))))
