"""Every search against brute force: all sets of groups of a few tasks."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotrain.grouping import (
    AffinityValue,
    Constraints,
    LinearValue,
    Objective,
    PredictedValue,
    exact_groups,
    greedy_groups,
    search_groups,
    selfish_bound,
)
from cotrain.grouping.proof._bounds import Clock
from cotrain.grouping.proof._branching import LinearGroups
from cotrain.grouping.proof._columns import close_gap, relax
from cotrain.grouping.proof._enumeration import AllGroups
from cotrain.grouping.proof._semidefinite import semidefinite_bound
from cotrain.grouping.proof._spectral import spectral_bound
from cotrain.grouping.search._local import random_members


def brute_force(objective: Objective) -> float:
    """Return the best value over every set of groups, written without the room's own search."""
    n_tasks, rules = objective.n_tasks, objective.constraints
    groups = [
        group
        for size in range(rules.min_size, (rules.max_size or n_tasks) + 1)
        for group in combinations(range(n_tasks), size)
        if all((i in group) == (j in group) for i, j in rules.must_share)
        and not any(i in group and j in group for i, j in rules.must_not_share)
    ]
    rows = np.array([[task in group for task in range(n_tasks)] for group in groups])
    scores = np.nan_to_num(objective.value.scores(rows), nan=-np.inf)
    best = -np.inf
    for count in range(1, (rules.max_groups or n_tasks) + 1):
        for chosen in combinations(range(len(groups)), count):
            cost = sum(1.0 if len(groups[row]) > 1 else 0.5 for row in chosen)
            if rules.max_cost is None or cost <= rules.max_cost + 1e-9:
                served = scores[list(chosen)].max(axis=0)
                best = max(best, float((served * np.asarray(objective.weights)).sum()))
    return best


@st.composite
def objectives(draw: st.DrawFn) -> Objective:
    n_tasks = draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    matrix = rng.normal(size=(n_tasks, n_tasks)).round(2)
    alone = rng.normal(size=n_tasks).round(2)
    kind = draw(st.sampled_from(["linear", "lower bound", "affinity", "predicted"]))
    if kind == "linear":
        value = LinearValue(alone, matrix)
    elif kind == "lower bound":
        errors = rng.random((n_tasks, n_tasks))
        value = LinearValue(alone, matrix, errors, z=draw(st.floats(0, 2)))
    elif kind == "affinity":
        value = AffinityValue(matrix, alone)
    else:
        value = PredictedValue(lambda rows: np.sin(3 * rows @ matrix.T) + alone, n_tasks)
    pair = draw(st.sampled_from([(), ((0, 1),)]))
    constraints = Constraints(
        max_groups=draw(st.integers(1, min(3, n_tasks))),
        max_size=draw(st.sampled_from([None, max(2, n_tasks - 1)])),
        max_cost=draw(st.sampled_from([None, 2.0])),
        **{draw(st.sampled_from(["must_share", "must_not_share"])): pair},
    )
    weights = draw(st.sampled_from([None, rng.random(n_tasks) + 0.1]))
    return Objective(value, constraints, weights)


@settings(max_examples=40, deadline=None)
@given(objective=objectives())
def test_exact_equals_brute_force(objective: Objective) -> None:
    optimum = brute_force(objective)
    if not np.isfinite(optimum):
        with pytest.raises(ValueError, match="conflict"):
            exact_groups(objective)
        return
    few = greedy_groups(objective, seed=0, starts=2)
    found = exact_groups(objective, start=few.groups)
    assert found.value == pytest.approx(optimum, abs=1e-8)
    assert found.is_optimal
    assert objective.score(_matrix(found.groups, objective.n_tasks)) == pytest.approx(found.value)
    assert few.value <= optimum + 1e-8
    assert selfish_bound(objective) >= optimum - 1e-8
    if isinstance(objective.value, LinearValue):
        assert spectral_bound(objective, Clock(5), max_iterations=30) >= optimum - 1e-8
        for steps in (1, 10, 200):
            assert semidefinite_bound(objective, Clock(5), steps=steps) >= optimum - 1e-8


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), max_size=st.sampled_from([None, 4]))
def test_branching_finds_the_groups_that_enumeration_finds(seed: int, max_size: int) -> None:
    rng = np.random.default_rng(seed)
    n_tasks = 8
    value = LinearValue(rng.normal(size=n_tasks), rng.normal(size=(n_tasks, n_tasks)))
    objective = Objective(value, Constraints(max_groups=3, min_size=2, max_size=max_size))
    prices = np.asarray(objective.weights) * (value.intercept + rng.normal(1, 1, size=n_tasks))
    listed = AllGroups(objective).all_above(prices, 0.05, 0.1, 10_000)
    searched = LinearGroups(objective, value).all_above(prices, 0.05, 0.1, 10_000)
    assert _rows(listed.members) == _rows(searched.members)
    assert np.sort(listed.surplus) == pytest.approx(np.sort(searched.surplus))
    best = LinearGroups(objective, value).best(prices, 0.05, 0.1, 5, thorough=True)
    assert best.most == pytest.approx(max(0.1, listed.most))
    hasty = LinearGroups(objective, value).best(prices, 0.05, 0.1, 5, thorough=False)
    assert hasty.most == (np.inf if len(listed.members) > 5 else pytest.approx(best.most))
    quick = LinearGroups(objective, value).quick(prices, 0.05, 20)
    every = AllGroups(objective).all_above(prices, 0.05, 0.0, 10_000)
    assert _rows(quick.members) <= _rows(every.members)


@pytest.mark.parametrize("n_groups", [2, 3, 5])
def test_branching_proves_the_optimum_that_enumeration_proves(n_groups: int) -> None:
    rng = np.random.default_rng(n_groups)
    value = LinearValue(np.full(9, 0.8), rng.normal(0, 0.01, (9, 9)))
    objective = Objective(value, Constraints(max_groups=n_groups))
    start = random_members(objective, rng)
    assert start is not None
    clock = Clock(30)
    oracle = LinearGroups(objective, value)
    relaxation, mixed = relax(objective, oracle, start, clock)
    assert mixed is not None
    members, bound = close_gap(objective, oracle, relaxation, mixed, clock)
    optimum = exact_groups(objective)
    assert optimum.is_optimal
    assert relaxation.bound >= optimum.value - 1e-12
    assert bound == pytest.approx(optimum.value)
    assert objective.score(members) == pytest.approx(optimum.value)


def test_planted_groups_are_found_and_certified() -> None:
    label = np.arange(30) % 5
    coef = np.where(label[:, None] == label, 0.01, -0.01)
    objective = Objective(LinearValue(np.full(30, 0.7), coef), Constraints(max_groups=5))
    found = exact_groups(objective)
    assert found.groups == tuple(tuple(range(first, 30, 5)) for first in range(5))
    assert found.is_optimal


def test_bounds_without_groups_hold_and_beat_the_selfish_bound_on_noise() -> None:
    rng = np.random.default_rng(0)
    objective = Objective(LinearValue(np.zeros(40), rng.normal(size=(40, 40))), Constraints(2))
    value = greedy_groups(objective, seed=0, starts=2).value
    spectral = spectral_bound(objective, Clock(20), max_iterations=60)
    assert value < spectral < 0.9 * selfish_bound(objective)
    assert value < semidefinite_bound(objective, Clock(20), steps=60) < spectral


def test_semidefinite_bound_is_the_optimum_where_the_relaxation_is_tight() -> None:
    label = np.arange(12) % 3
    value = LinearValue(np.full(12, 0.7), np.where(label[:, None] == label, 0.01, -0.01))
    bound = semidefinite_bound(Objective(value, Constraints(3)), Clock(20), steps=1000)
    assert bound == pytest.approx(0.73, abs=1e-4)


def test_one_group_is_proven_without_a_search() -> None:
    rng = np.random.default_rng(0)
    value = LinearValue(np.zeros(50), rng.normal(size=(50, 50)))
    found = exact_groups(Objective(value, Constraints(1)), time_limit=0.0)
    assert found.is_optimal
    assert found.groups == (tuple(range(50)),)


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        (
            {"max_groups": 1, "must_not_share": ((0, 1),)},
            r"max_groups=1, must_not_share=\(\(0, 1\)",
        ),
        ({"max_groups": 2, "max_size": 2}, "max_groups=2, max_size=2"),
        (
            {"must_share": ((0, 1), (1, 2)), "must_not_share": ((0, 2),)},
            "must_not_share.*must_share",
        ),
        ({"max_cost": 1.0, "max_size": 3}, "max_cost=1.0, max_size=3"),
        ({"must_share": ((0, 1), (1, 2)), "max_size": 2}, "must_share.*max_size=2"),
    ],
)
def test_conflicting_constraints_are_named(rules: dict, named: str) -> None:
    objective = Objective(LinearValue(np.zeros(5), np.zeros((5, 5))), Constraints(**rules))
    with pytest.raises(ValueError, match=f"these conflict: .*{named}"):
        exact_groups(objective)
    with pytest.raises(ValueError, match="these conflict"):
        search_groups(objective, trials=5)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"max_groups": 6}, "number of tasks, 5, got 6"),
        ({"must_share": ((0, 7),)}, "task's name unknown"),
        ({"min_size": 4, "max_size": 3}, "max_size must be between min_size"),
        ({"max_cost": 0.0}, "max_cost must be above 0"),
    ],
)
def test_rules_that_make_no_sense(rules: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Objective(LinearValue(np.zeros(5), np.zeros((5, 5))), Constraints(**rules))


def test_equal_predictions_say_that_there_is_nothing_to_choose() -> None:
    flat = Objective(LinearValue(np.arange(4.0), np.zeros((4, 4))))
    assert "nothing to choose" in exact_groups(flat).certificate
    steep = Objective(LinearValue(np.arange(4.0), np.eye(4)[::-1]))
    assert exact_groups(steep).certificate == "optimal"


def _rows(members: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in members}


def _matrix(groups: tuple, n_tasks: int) -> np.ndarray:
    return np.array([[task in group for task in range(n_tasks)] for group in groups])
