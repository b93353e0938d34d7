import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.study import StudyDirection

from cotrain.exceptions import CotrainError
from cotrain.grouping import (
    AffinityValue,
    Constraints,
    LinearValue,
    Objective,
    as_matrix,
    exact_groups,
    pareto_front,
    search_groups,
)
from cotrain.grouping.search._auxiliaries import add_auxiliaries
from cotrain.grouping.search._decoder import Decoder, canonical
from cotrain.grouping.search._sampler import MovesSampler
from cotrain.grouping.search._storage import StoredStudy


@pytest.fixture
def objective() -> Objective:
    rng = np.random.default_rng(1)
    return Objective(LinearValue(rng.normal(size=6), rng.normal(size=(6, 6))), Constraints(3))


@pytest.mark.parametrize("sampler", ["moves", "nsga2", "tpe", "random"])
def test_finds_the_optimum_of_six_tasks_without_a_warm_start(objective, sampler) -> None:
    found = search_groups(objective, trials=200, sampler=sampler, seed=0, warm_start=())
    assert found.trials["value"].max() == pytest.approx(exact_groups(objective).value)
    assert found.best.value == pytest.approx(found.trials["value"].max())
    assert len(found.trials) == 200
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


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_a_search_whose_journal_was_cut_goes_on_to_the_same_trials(objective, tmp_path, share):
    path = tmp_path / "study.log"
    done = search_groups(objective, trials=30, storage=str(path)).trials
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    for _ in range(2):  # the second reads what the first put behind the cut
        again = search_groups(objective, trials=30, storage=str(path)).trials
        pd.testing.assert_frame_equal(again, done)


def test_a_changed_or_lost_trial_in_a_storage_is_told(objective, tmp_path):
    path = tmp_path / "study.log"
    done = search_groups(objective, trials=12, storage=str(path)).trials
    lines = path.read_bytes().splitlines(keepends=True)
    told = 0
    for at, line in enumerate(lines):
        for changed in (b"", line.replace(b"0.", b"1.", 1), line.replace(b"[0", b"[1", 1)):
            if changed == line:
                continue
            path.write_bytes(b"".join([*lines[:at], changed, *lines[at + 1 :]]))
            try:
                found = search_groups(objective, trials=12, storage=str(path)).trials
            except CotrainError:
                told += 1
            else:
                pd.testing.assert_frame_equal(found, done)
    assert told >= 24


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


@pytest.mark.parametrize("sampler", ["moves", "nsga2", "tpe", "random"])
def test_the_study_s_parameters_say_which_group_serves_each_task(objective, sampler) -> None:
    """Optuna searches: what a sampler proposes is what is scored."""
    names = [f"assay {letter}" for letter in "abcdef"]
    study = search_groups(
        objective, trials=60, sampler=sampler, seed=0, warm_start=(), task_names=names
    ).study
    assert study.directions == [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE]
    decoder = Decoder(objective)
    for trial in study.trials:
        assert sorted(trial.params) == names
        value, groups = decoder.decode(np.array([trial.params[name] for name in names]))
        assert trial.values == [len(groups), value]
    proposed = {tuple(trial.params.values()) for trial in study.trials}
    assert len(proposed) > 20


def test_moves_learn_from_the_trials_of_their_study() -> None:
    rng = np.random.default_rng(0)
    value = LinearValue(np.zeros(20), rng.normal(size=(20, 20)))
    moves, chance = (
        search_groups(
            Objective(value, Constraints(4)), trials=200, sampler=sampler, seed=0, warm_start=()
        ).trials["value"]
        for sampler in ("moves", "random")
    )
    assert moves.max() > chance.max()
    assert moves[100:].median() > chance.quantile(0.75)


def test_the_sampler_serves_any_study(objective) -> None:
    names = [f"task_{task}" for task in range(6)]
    decoder = Decoder(objective)

    def score(trial: optuna.Trial) -> tuple[int, float]:
        labels = np.array([trial.suggest_categorical(name, [0, 1, 2]) for name in names])
        value, groups = decoder.decode(labels)
        return len(groups), value

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        directions=["minimize", "maximize"], sampler=MovesSampler(names, 3, seed=0)
    )
    study.optimize(score, n_trials=300)
    optuna.logging.set_verbosity(before)
    best = max(trial.values[1] for trial in study.trials)
    assert best == pytest.approx(exact_groups(objective).value, rel=0.01)


def test_a_warm_start_is_tried_as_it_is(objective) -> None:
    """Overlaps that no label can say are not lost."""
    start = ((0, 1, 2, 3), (2, 3, 4, 5), (0, 5))
    first = search_groups(objective, trials=1, warm_start=[start]).trials
    value = objective.score(as_matrix(start, 6))
    assert first.loc[0, "warm_start"]
    assert first.loc[0, "value"] >= value


def test_what_a_study_belongs_to_is_told_in_the_same_words() -> None:
    """Where they change, the name that `cotrain group` gives a study must, or it is refused."""
    told = (
        "Constraints(max_groups=None, min_size=1, max_size=None, must_share=(), must_not_share=(), "
        "max_cost=None)"
    )
    assert str(Constraints()) == told


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


def of_the_program() -> Objective:
    rng = np.random.default_rng(7)
    return Objective(LinearValue(rng.normal(size=10), rng.normal(size=(10, 10))), Constraints(4))


def trials_of(path: Path) -> int:
    return path.read_text().count('"op_code":4') if path.exists() else 0


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_trials(tmp_path: Path) -> None:
    path = tmp_path / "study.log"
    running = program(str(path), 100_000, 0)
    while trials_of(path) < 500 and running.poll() is None:
        time.sleep(0.05)
    assert running.poll() is None, "the search ended before it could be killed"
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    path.with_name("study.log.lock").unlink(missing_ok=True)  # held by the dead
    n_kept = trials_of(path)
    assert n_kept >= 500
    objective = of_the_program()
    arguments = {"seed": 0, "warm_start": ()}
    again = search_groups(objective, trials=n_kept + 50, storage=str(path), **arguments).trials
    unbroken = search_groups(objective, trials=n_kept + 50, **arguments).trials
    pd.testing.assert_frame_equal(again, unbroken)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["study.log", "sqlite:///study.db"])
def test_two_programs_add_to_one_study(tmp_path: Path, name: str) -> None:
    storage = str(tmp_path / name) if name.endswith(".log") else f"sqlite:///{tmp_path}/study.db"
    both = [program(storage, 40, seed) for seed in (0, 1)]
    assert [running.wait() for running in both] == [0, 0]
    objective = of_the_program()
    found = search_groups(objective, trials=40, seed=0, storage=storage, warm_start=())
    assert 40 <= len(found.trials) <= 80
    assert found.trials["number"].is_unique
    for row in found.trials.itertuples():
        assert objective.score(as_matrix(json.loads(row.groups), 10)) == pytest.approx(row.value)


@pytest.mark.parametrize("broken", ["room", "tables"])
def test_a_storage_that_takes_no_trials_is_one_line(tmp_path, broken) -> None:
    address = f"sqlite:///{tmp_path}/study.db"
    stored = StoredStudy(address, "groups", {})
    stored.study.add_trial(optuna.trial.create_trial(values=[1.0, 2.0], params={}))
    with sqlite3.connect(tmp_path / "study.db") as file:
        if broken == "tables":
            file.execute("DROP TABLE trials")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        if broken == "room":
            resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
        with pytest.raises(CotrainError, match="cannot be written .*search again") as told:
            stored.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(told.value)
