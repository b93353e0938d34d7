import json
from pathlib import Path

import numpy as np
import pytest

from cotrain.grouping import select_groups

REFERENCE = json.loads((Path(__file__).parent / "tag_taskonomy.json").read_text())
TASKS = list(REFERENCE["affinity"])
AFFINITY = np.array([[REFERENCE["affinity"][i].get(j, np.nan) for j in TASKS] for i in TASKS])


@pytest.mark.parametrize("method", ["exact", "optuna", "greedy"])
@pytest.mark.parametrize("max_groups", [1, 2, 3])
def test_published_taskonomy_optimum(max_groups: int, method: str) -> None:
    affinity = np.where(np.isnan(AFFINITY), 0, AFFINITY)
    found = select_groups(affinity, max_groups=max_groups, min_size=2, method=method)
    optimum = REFERENCE["optimum"][str(max_groups)]
    assert found.value == pytest.approx(optimum["value"], abs=5e-5)
    named = {frozenset(TASKS[task] for task in group) for group in found.groups}
    assert named == {frozenset(group) for group in optimum["groups"]}
    assert found.bound >= found.value
    if method == "exact":
        assert found.is_optimal
        assert found.bound == found.value


def hard_affinity(n_tasks: int, seed: int) -> np.ndarray:
    """Affinities of clusters under strong harm and noise, on which local search gets stuck."""
    rng = np.random.default_rng(seed)
    label = rng.integers(8, size=n_tasks)
    return np.where(label[:, None] == label, -60.0, -100.0) + rng.normal(0, 20, (n_tasks, n_tasks))


@pytest.mark.parametrize("seed", range(2))
def test_optuna_is_never_behind_the_local_search_that_it_starts_from(seed: int) -> None:
    affinity = hard_affinity(20, seed)
    optuna, greedy = (
        select_groups(affinity, max_groups=5, method=method) for method in ("optuna", "greedy")
    )
    assert optuna.value >= greedy.value


@pytest.mark.parametrize("method", ["exact", "optuna", "greedy"])
def test_one_group_is_the_only_grouping_and_said_to_be_optimal(method: str) -> None:
    found = select_groups(hard_affinity(12, 0), max_groups=1, method=method)
    assert found.groups == (tuple(range(12)),)
    assert found.is_optimal
    assert found.certificate == "optimal"


def test_the_diagonal_is_not_used() -> None:
    filled = np.where(np.isnan(AFFINITY), 0, AFFINITY)
    np.fill_diagonal(filled, 1e6)
    assert (
        select_groups(filled, max_groups=2).groups == select_groups(AFFINITY, max_groups=2).groups
    )


def test_single_tasks_are_chosen_where_their_own_score_is_best() -> None:
    affinity = np.array([[0, 1.0, -1], [1, 0, -1], [-1, -1, 0]])
    found = select_groups(affinity, self_scores=np.zeros(3))
    assert found.groups == ((0, 1), (2,))
    assert found.value == pytest.approx(2 / 3)
    assert found.cost == 1.5


def test_budget_in_cost_lets_two_single_tasks_stand_for_one_shared_model() -> None:
    affinity = np.full((4, 4), -1.0)
    found = select_groups(affinity, self_scores=np.zeros(4), cost=2.0)
    assert found.groups == ((0,), (1,), (2,), (3,))
    tighter = select_groups(affinity, self_scores=np.zeros(4), cost=1.5)
    assert tighter.cost <= 1.5
    assert tighter.value == pytest.approx(-3 / 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"affinity": [[0, np.nan], [1, 0]]}, r"affinity must be finite.*nan at \[0, 1\]"),
        ({"affinity": [[0.0]]}, "at least 2 tasks"),
        ({"affinity": [[0, 1, 2]]}, "square"),
        ({"affinity": np.zeros((3, 3)), "max_groups": 4}, "number of tasks, 3, got 4"),
        ({"affinity": np.zeros((3, 3)), "max_groups": 0}, "max_groups must be between"),
        ({"affinity": np.zeros((3, 3)), "min_size": 1}, "self_scores must be given"),
        ({"affinity": np.zeros((3, 3)), "cost": 0.9}, r"conflict: max_cost=0.9"),
        ({"affinity": np.zeros((3, 3)), "self_scores": [0, 1]}, r"self_scores must have shape"),
        ({"affinity": np.zeros((3, 3)), "method": "magic"}, "method must be"),
    ],
)
def test_bad_input(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        select_groups(**arguments)
