from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest

from cotrain.exceptions import CotrainError
from cotrain.grouping import (
    AffinityValue,
    Constraints,
    LinearValue,
    Objective,
    exact_groups,
    pareto_front,
    search_groups,
)
from cotrain.grouping._auxiliaries import add_auxiliaries
from cotrain.grouping._search import canonical


@pytest.fixture
def objective() -> Objective:
    rng = np.random.default_rng(1)
    return Objective(LinearValue(rng.normal(size=6), rng.normal(size=(6, 6))), Constraints(3))


@pytest.mark.parametrize("sampler", ["moves", "nsga2", "tpe", "random"])
def test_finds_the_optimum_of_six_tasks_without_a_warm_start(objective, sampler) -> None:
    found = search_groups(objective, trials=200, sampler=sampler, seed=0, warm_start=())
    assert found.best.value == pytest.approx(exact_groups(objective).value)
    assert len(found.trials) == 200
    assert found.trials["value"].max() == found.best.value
    assert found.trials["number"].is_unique


def test_same_seed_same_trials(objective) -> None:
    first, second = (search_groups(objective, trials=30, seed=3).trials for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_recorded_groups_are_worth_the_recorded_value(objective) -> None:
    trials = search_groups(objective, trials=20, seed=0).trials
    for row in trials.itertuples():
        members = np.zeros((row.n_groups, 6), dtype=bool)
        for position, group in enumerate(eval(row.groups)):
            members[position, group] = True
        assert objective.score(members) == pytest.approx(row.value)


def test_front_holds_the_best_of_each_number_of_groups_that_pays() -> None:
    trials = pd.DataFrame(
        {
            "value": [0.5, 0.7, 0.6, 0.65, 0.9],
            "n_groups": [1, 2, 2, 3, 4],
            "groups": ["a", "b", "c", "d", "e"],
        }
    )
    front = pareto_front(trials)
    assert front["groups"].tolist() == ["a", "b", "e"]


@pytest.mark.parametrize("name", ["study.log", "sqlite"])
def test_a_study_is_continued_where_it_stopped(objective, tmp_path: Path, name: str) -> None:
    storage = str(tmp_path / name) if name.endswith(".log") else f"sqlite:///{tmp_path}/study.db"
    first = search_groups(objective, trials=20, seed=0, storage=storage, data_version="a")
    again = search_groups(objective, trials=35, seed=0, storage=storage, data_version="a")
    assert len(again.trials) == 35
    pd.testing.assert_frame_equal(again.trials.head(20), first.trials)
    done = search_groups(objective, trials=35, seed=0, storage=storage, data_version="a")
    pd.testing.assert_frame_equal(done.trials, again.trials)


def test_a_study_of_other_data_tasks_or_constraints_is_refused(objective, tmp_path: Path) -> None:
    storage = str(tmp_path / "study.log")
    search_groups(objective, trials=5, storage=storage, data_version="a")
    with pytest.raises(CotrainError, match="belongs to data_version 'a', not 'b'"):
        search_groups(objective, trials=5, storage=storage, data_version="b")
    tighter = Objective(objective.value, Constraints(2))
    with pytest.raises(CotrainError, match="belongs to constraints"):
        search_groups(tighter, trials=5, storage=storage, data_version="a")
    fewer = Objective(LinearValue(np.zeros(5), np.zeros((5, 5))), Constraints(3))
    with pytest.raises(CotrainError, match="belongs to n_tasks 6, not 5"):
        search_groups(fewer, trials=5, storage=storage, data_version="a")


def test_a_storage_that_cannot_be_opened_is_named(objective) -> None:
    with pytest.raises(CotrainError, match="nonsense: cannot be opened"):
        search_groups(objective, trials=5, storage="nonsense")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"trials": 0}, "trials must be at least 1"), ({"sampler": "magic"}, "sampler must be")],
)
def test_bad_arguments(objective, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search_groups(objective, **arguments)


def test_optuna_is_as_talkative_after_the_search_as_before(objective) -> None:
    before = optuna.logging.get_verbosity()
    search_groups(objective, trials=3)
    assert optuna.logging.get_verbosity() == before


def test_canonical_labels_name_a_partition_once() -> None:
    assert canonical(np.array([3, 3, 0, 5])).tolist() == [0, 0, 1, 2]
    assert canonical(np.array([1, 1, 2, 0])).tolist() == [0, 0, 1, 2]


def test_auxiliaries_join_only_where_they_help_those_served() -> None:
    coef = np.zeros((4, 4))
    coef[0] = [0, 1, -1, 0.5]
    coef[1:] = -9  # what it does to the auxiliaries themselves does not count
    objective = Objective(LinearValue(np.zeros(4), coef))
    served = np.array([True, False, False, False])
    assert add_auxiliaries(objective, served).tolist() == [True, True, False, True]


def test_auxiliaries_fill_a_group_up_to_the_smallest_size() -> None:
    affinity = np.array([[0, 1.0, 3, 2], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]])
    objective = Objective(AffinityValue(affinity), Constraints(min_size=3))
    served = np.array([True, False, False, False])
    assert add_auxiliaries(objective, served).tolist() == [True, False, True, True]
