"""Choices among measured networks, against all sets of rows."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.measured import GroupTable, select_measured


def sets_of_rows(table: GroupTable, max_groups: int, max_cost: float | None):
    """Return (value, cost, number) of each set of rows that serves all, without a solver."""
    known = np.where(np.isnan(table.scores), -np.inf, table.scores)
    for count in range(1, max_groups + 1):
        for rows in combinations(range(len(table.groups)), count):
            cost = table.costs[list(rows)].sum()
            value = known[list(rows)].max(axis=0).mean()
            if np.isfinite(value) and (max_cost is None or cost <= max_cost + 1e-9):
                yield value, cost, count


@st.composite
def tables(draw: st.DrawFn) -> GroupTable:
    """Networks of random sets, two of one set among them; some leave a task of theirs out."""
    n_tasks = draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows = [(dict.fromkeys(range(n_tasks), 0.0), 1.0), ({0: rng.normal()}, 0.25)]
    for _ in range(draw(st.integers(1, 6))):
        size = rng.integers(1, n_tasks + 1)
        tasks = rng.choice(n_tasks, size, replace=False).tolist()
        scores = {task: round(rng.normal(), 1) for task in tasks}
        if size > 1 and rng.random() < 0.3:
            scores[tasks[0]] = np.nan
        rows.append((scores, float(rng.choice([0.25, 0.5, 1.0]))))
    return GroupTable.of(rows + rows[-1:], n_tasks)


@settings(max_examples=40, deadline=None)
@given(
    table=tables(),
    max_groups=st.integers(1, 3),
    max_cost=st.sampled_from([None, 1.0, 1.75]),
    tolerance=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_the_choice_is_the_cheapest_of_the_best(table, max_groups, max_cost, tolerance) -> None:
    found = select_measured(table, max_groups=max_groups, max_cost=max_cost, tolerance=tolerance)
    every = list(sets_of_rows(table, max_groups, max_cost))
    best = max(value for value, _, _ in every)
    cheapest = min(
        (cost, count) for value, cost, count in every if value >= best - tolerance - 1e-9
    )
    assert found.value >= best - tolerance - 1e-8
    assert (found.cost, len(found.rows)) == pytest.approx(cheapest)
    assert found.bound == pytest.approx(best)
    assert found.is_optimal == (found.value >= best - 1e-8)
    assert found.groups == tuple(table.groups[row] for row in found.rows)
    for task, place in enumerate(found.served_by):
        assert found.task_values[task] == table.scores[found.rows[place], task]


def test_the_dearer_network_of_one_set_is_taken_where_the_budget_holds_it() -> None:
    """Standley et al. (2020) trained single tasks at full and at half size."""
    table = GroupTable.of(
        [({0: 0.6, 1: 0.6}, 1.0), ({0: 0.7}, 0.5), ({0: 0.9}, 1.0), ({1: 0.7}, 0.5)]
    )
    assert select_measured(table, max_cost=1.0).rows == (1, 3)
    assert select_measured(table, max_cost=1.5).rows == (2, 3)
    assert select_measured(table, max_cost=1.5, tolerance=0.1).rows == (1, 3)
    assert select_measured(table, max_groups=1).rows == (0,)
    assert select_measured(table, weights=[1, 3]).value == pytest.approx((0.9 + 3 * 0.7) / 4)


ROWS = [({0: 0.6, 1: 0.6}, 1.0)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "at least 1"),
        ([({0: 1.0}, -1.0)], "costs must be finite and not negative"),
        ([({0: 1.0}, np.nan)], "costs must be finite"),
        ([({0: np.inf}, 1.0)], "scores must be numbers"),
        ([({1: 1.0}, 1.0)], "got none for task 0; measure one"),
    ],
)
def test_tables_that_make_no_sense(rows: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GroupTable.of(rows)


def test_a_score_of_a_task_that_is_not_in_the_group() -> None:
    with pytest.raises(ValueError, match="row 0 must score its own tasks alone, got a score for 1"):
        GroupTable(((0,),), np.array([[1.0, 1.0]]), np.ones(1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_cost": 0.5}, "no choice of networks serves every task within .*max_cost=0.5"),
        ({"max_groups": 0}, "max_groups must be at least 1, got 0"),
        ({"weights": [1]}, "weights must be 2 positive numbers"),
        ({"tolerance": -1}, "tolerance must be at least 0, got -1"),
    ],
)
def test_choices_that_cannot_be(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        select_measured(GroupTable.of(ROWS), **arguments)
