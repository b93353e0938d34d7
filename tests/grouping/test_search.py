import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
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
from cotrain.grouping._decoder import canonical


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
        for position, group in enumerate(json.loads(row.groups)):
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


def test_the_front_is_searched_and_not_only_its_end() -> None:
    rng = np.random.default_rng(4)
    coef = np.where((np.arange(12) % 4)[:, None] == np.arange(12) % 4, 1.0, -0.6)
    value = LinearValue(np.zeros(12), coef + rng.normal(0, 0.3, coef.shape))
    found = search_groups(Objective(value, Constraints(6)), trials=1500, seed=0, warm_start=())
    for row in found.front.itertuples():
        best = exact_groups(Objective(value, Constraints(row.n_groups))).value
        assert row.value == pytest.approx(best, rel=0.02)
    assert found.front["n_groups"].tolist()[:4] == [1, 2, 3, 4]


def test_the_number_of_workers_changes_no_trial(objective) -> None:
    one, two = (
        search_groups(objective, trials=45, seed=2, workers=workers).trials for workers in (1, 2)
    )
    pd.testing.assert_frame_equal(one, two)


PROGRAM = """
import sys
import numpy as np
from cotrain.grouping import Constraints, LinearValue, Objective, search_groups
rng = np.random.default_rng(7)
objective = Objective(LinearValue(rng.normal(size=10), rng.normal(size=(10, 10))), Constraints(4))
search_groups(
    objective, trials=int(sys.argv[2]), seed=int(sys.argv[3]), storage=sys.argv[1], warm_start=()
)
"""


def program(storage: str, trials: int, seed: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", PROGRAM, storage, str(trials), str(seed)])


def stored(path: Path) -> int:
    """Trials in a database, or 0 while there is none."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT COUNT(*) FROM trials").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def of_the_program() -> Objective:
    rng = np.random.default_rng(7)
    return Objective(LinearValue(rng.normal(size=10), rng.normal(size=(10, 10))), Constraints(4))


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_trials(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    running = program(f"sqlite:///{path}", 600, 0)
    while stored(path) < 20 and running.poll() is None:
        time.sleep(0.01)
    assert running.poll() is None, "the search ended before it could be killed"
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert 20 <= stored(path) < 600
    objective = of_the_program()
    again = search_groups(
        objective, trials=600, seed=0, storage=f"sqlite:///{path}", warm_start=()
    ).trials
    unbroken = search_groups(objective, trials=600, seed=0, warm_start=()).trials
    pd.testing.assert_frame_equal(again, unbroken)


@pytest.mark.slow
def test_two_programs_add_to_one_study(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    # The database's tables are made first: Optuna makes them without a lock.
    program(storage, 1, 0).wait()
    both = [program(storage, 120, seed) for seed in (0, 1)]
    assert [running.wait() for running in both] == [0, 0]
    objective = of_the_program()
    found = search_groups(objective, trials=120, seed=0, storage=storage, warm_start=())
    assert 120 <= len(found.trials) <= 240
    assert found.trials["number"].is_unique
    assert found.trials["value"].max() == found.best.value
    for row in found.trials.itertuples():
        members = np.zeros((row.n_groups, 10), dtype=bool)
        for position, group in enumerate(json.loads(row.groups)):
            members[position, group] = True
        assert objective.score(members) == pytest.approx(row.value)
