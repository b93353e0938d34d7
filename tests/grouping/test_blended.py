"""Groups that are blended, against every set of groups of a few tasks."""

from itertools import combinations, combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotrain.grouping import (
    BlendedValue,
    Constraints,
    LinearValue,
    Objective,
    as_matrix,
    exact_groups,
    greedy_groups,
    search_groups,
)

N_TASKS = 3
GROUPS = [group for size in range(1, N_TASKS + 1) for group in combinations(range(N_TASKS), size)]


def by_hand(grouping, intercept, coef, gain) -> float:
    """Return the mean over tasks of the best group and what averaging adds, task by task."""
    total = 0.0
    for task in range(N_TASKS):
        holding = [group for group in grouping if task in group]
        if not holding:
            return -np.inf
        scores = [
            intercept[task] + sum(coef[task, other] for other in group if other != task)
            for group in holding
        ]
        total += max(scores) + gain[task] * (1 - 1 / len(holding))
    return total / N_TASKS


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), max_groups=st.integers(1, 3), scale=st.floats(0, 2))
def test_searches_find_the_best_of_every_set_of_groups(seed, max_groups, scale) -> None:
    rng = np.random.default_rng(seed)
    intercept, coef = rng.normal(size=N_TASKS), rng.normal(size=(N_TASKS, N_TASKS))
    gain = scale * rng.random(N_TASKS)
    objective = Objective(BlendedValue(LinearValue(intercept, coef), gain), Constraints(max_groups))
    every = []
    for count in range(1, max_groups + 1):
        every += combinations_with_replacement(GROUPS, count)
    worth = {grouping: by_hand(grouping, intercept, coef, gain) for grouping in every}
    for grouping, value in worth.items():
        assert objective.score(as_matrix(grouping, N_TASKS)) == pytest.approx(value)
    best = max(worth.values())
    found = exact_groups(objective)
    searched = search_groups(objective, trials=60, seed=0).best
    # One block at a time is moved, which is not every step that there is.
    for result in (found, searched, greedy_groups(objective, seed=0)):
        assert best - 0.25 * scale - 1e-9 <= result.value <= best + 1e-9
        assert by_hand(result.groups, intercept, coef, gain) == pytest.approx(result.value)
    assert found.bound >= best - 1e-9


def test_without_gain_nothing_changes() -> None:
    rng = np.random.default_rng(0)
    plain = LinearValue(rng.normal(size=6), rng.normal(size=(6, 6)))
    alone, blended = (
        exact_groups(Objective(value, Constraints(3)))
        for value in (plain, BlendedValue(plain, np.zeros(6)))
    )
    assert blended.groups == alone.groups
    assert blended.is_optimal


def test_where_tasks_are_indifferent_one_model_is_trained_several_times() -> None:
    value = BlendedValue(LinearValue(np.zeros(4), np.zeros((4, 4))), np.full(4, 0.1))
    found = exact_groups(Objective(value, Constraints(3)))
    n_models = np.zeros(4)
    for group in found.groups:
        n_models[list(group)] += 1
    assert n_models.tolist() == [3, 3, 3, 3]
    assert found.value == pytest.approx(0.1 * (1 - 1 / 3))
    assert found.is_optimal
    assert found.groups == (tuple(range(4)),) * 3


def test_the_gain_is_that_of_measured_averages() -> None:
    plain = LinearValue(np.zeros(2), np.zeros((2, 2)))
    found = BlendedValue.measured(plain, [0.5, 0.5], [0.58, 0.49], n_models=5)
    assert found.averaging_gain == pytest.approx([0.1, 0.0])


@pytest.mark.parametrize(
    ("gain", "message"),
    [([-0.1, 0], "must not be negative, got -0.1 for task 0"), ([0.1], r"must have shape \(2,\)")],
)
def test_gains_that_make_no_sense(gain, message) -> None:
    with pytest.raises(ValueError, match=message):
        BlendedValue(LinearValue(np.zeros(2), np.zeros((2, 2))), gain)
