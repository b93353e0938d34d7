"""The grouping that is recommended, and settings that allow none."""

import json
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from commands import complaint, cotrain, succeed
from made_tables import put
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from random_fits import make_table
from small_study import change_params

from cotrain.allocation import encode_tasks
from cotrain.init import make_study
from cotrain.tables import TABLES

TASKS = [f"task{task}" for task in range(5)]


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    make_study(folder / "study")
    change_params(folder / "study", {"group.trials": 60, "group.max_groups": 2})
    return folder / "study" / "params.yaml"


@pytest.fixture
def study(template, tmp_path, monkeypatch) -> Path:
    """A study as `analyze` leaves it, where tasks 0 to 2 help each other, and 3 and 4."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "OPTUNA_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "params.yaml").write_bytes(template.read_bytes())
    make_table().save(folder / "data/tasks.npz")
    write_analysis(folder, lambda i, j: 0.01 if (i < 3) == (j < 3) else -0.02)
    return folder


def write_analysis(folder: Path, effect) -> None:
    analysis = folder / "data/analysis"
    analysis.mkdir(parents=True, exist_ok=True)
    pairs = pd.DataFrame(permutations(range(5), 2), columns=["target", "source"])
    pairs["relevance"] = [effect(i, j) for i, j in pairs.itertuples(index=False)]
    pairs["standard_error"] = 0.001
    pairs["affinity"] = pairs["relevance"]
    pairs[["target", "source"]] = np.array(TASKS)[pairs[["target", "source"]]]
    put(pairs.drop(columns="affinity"), analysis, "relevance")
    put(pairs.drop(columns=["relevance", "standard_error"]), analysis, "affinity")
    put(pd.DataFrame({"target": TASKS, "intercept": 0.5}), analysis, "surrogates")
    put(TABLES["subset_scores"].empty(), analysis, "subset_scores")
    (analysis / "summary.json").write_text('{"surrogate": "linear"}')


def stored_trials(study: Path) -> list[int]:
    """The number of trials of each study that Optuna finds in the journal."""
    storage = JournalStorage(JournalFileBackend(str(study / ".cotrain/groupings.log")))
    return [found.n_trials for found in optuna.get_all_study_summaries(storage)]


def grouping(study: Path) -> dict:
    return json.loads((study / "data/grouping/grouping.json").read_text())


def test_the_clusters_are_found_proven_and_kept(study):
    assert "2 groups of 2 at most, predicted mean score 0.4840, optimal" in succeed(study, "group")
    found = grouping(study)
    assert found["groups"] == [TASKS[:3], TASKS[3:]]
    assert found["is_optimal"]
    assert not found["timed_out"]
    assert stored_trials(study) == [60]
    before = {path.name: path.read_bytes() for path in (study / "data/grouping").iterdir()}
    assert len(pd.read_csv(study / "data/grouping/trials.csv")) == 60
    succeed(study, "group")
    assert {path.name: path.read_bytes() for path in (study / "data/grouping").iterdir()} == before
    assert stored_trials(study) == [60]
    change_params(study, {"group.trials": 70})
    succeed(study, "group")
    assert stored_trials(study) == [70]


def test_trials_go_to_the_database_of_optuna_s_variable(study, tmp_path, monkeypatch):
    monkeypatch.setenv("OPTUNA_STORAGE", f"sqlite:///{tmp_path}/shared.db")
    succeed(study, "group")
    assert (tmp_path / "shared.db").exists()
    assert not (study / ".cotrain/groupings.log").exists()


def blank_affinities(study: Path, is_blank) -> None:
    path = study / "data/analysis/affinity.csv"
    pairs = pd.read_csv(path)
    pairs.loc[is_blank(pairs), "affinity"] = np.nan
    pairs.to_csv(path, index=False)


def test_pairs_never_seen_together_speak_neither_for_nor_against(study):
    # All hurt each other; were task 4, which they never met, worth 0 to them, it would join them.
    write_analysis(study, lambda i, j: -0.01 if (i < 3) == (j < 3) else -0.03)
    change_params(study, {"group.min_size": 2})
    succeed(study, "group")
    assert grouping(study)["n_unknown_affinities"] == 0
    assert grouping(study)["rivals"]["affinity"] == [[TASKS[:3], TASKS[3:]]]
    blank_affinities(
        study,
        lambda pairs: pairs["target"].isin(TASKS[:3]) & (pairs["source"] == "task4"),
    )
    succeed(study, "group")
    assert grouping(study)["n_unknown_affinities"] == 3
    assert grouping(study)["rivals"]["affinity"] == [[TASKS[:3], TASKS[3:]]]


def test_without_any_affinity_there_is_no_grouping_by_it(study):
    blank_affinities(study, lambda pairs: pairs["target"] != "")
    assert "no gradient affinity is known to group by" in succeed(study, "group")
    found = grouping(study)
    assert found["n_unknown_affinities"] == 20
    assert sorted(found["rivals"]) == ["clustering", "random"]


def test_tasks_that_must_not_share_do_not(study):
    change_params(study, {"group.must_not_share": [["task0", "task1"]], "group.max_groups": 3})
    succeed(study, "group")
    assert not any({"task0", "task1"} <= set(group) for group in grouping(study)["groups"])


def test_tasks_that_must_share_do(study):
    change_params(study, {"group.must_share": [["task2", "task3"]]})
    succeed(study, "group")
    assert any({"task2", "task3"} <= set(group) for group in grouping(study)["groups"])


def test_weights_decide_which_task_has_its_way(study):
    # Task 4 helps task 3 and hurts task 2; all must share one model or go alone.
    write_analysis(study, lambda i, j: {(3, 4): 0.01, (4, 3): -0.02}.get((i, j), 0.0))
    change_params(study, {"group.must_share": [["task3", "task4"]], "group.max_groups": 5})
    succeed(study, "group")
    even = grouping(study)["predicted"]
    change_params(study, {"group.weights": {"task3": 8.0}})
    succeed(study, "group")
    assert even == pytest.approx(0.5 + 0.01 / 5)
    assert grouping(study)["predicted"] == pytest.approx(0.5 - (8 * 0.01 - 0.02) / 12)


def test_equal_predictions_leave_nothing_to_choose(study):
    write_analysis(study, lambda *_: 0.0)
    said = succeed(study, "group")
    assert "nothing to choose: the predicted scores do not depend on the grouping" in said


def test_where_no_surrogate_is_better_than_the_mean_there_is_one_model(study):
    """Though relevances are there."""
    (study / "data/analysis/summary.json").write_text('{"surrogate": "none"}')
    said = succeed(study, "group")
    assert "1 groups of 2 at most, predicted mean score 0.5000, nothing to choose" in said
    assert grouping(study)["groups"] == [TASKS]
    assert grouping(study)["surrogate"] == "none"


def test_the_surrogate_that_was_chosen_is_maximised(study):
    """Scores of subsets where company hurts, against relevances that say that it helps."""
    subsets = [group for size in (1, 2, 3) for group in combinations(range(5), size)]
    rows = [
        (encode_tasks(group), 0, TASKS[task], 0.5 + 0.1 * np.log(len(group)) + 0.001 * task)
        for group in subsets
        for task in group
    ]
    scores = pd.DataFrame(rows, columns=["members", "repeat", "target", "score"])
    scores.to_csv(study / "data/analysis/subset_scores.csv", index=False)
    (study / "data/analysis/summary.json").write_text('{"surrogate": "label curve"}')
    change_params(study, {"group.max_groups": 5})
    succeed(study, "group")
    assert grouping(study)["groups"] == [[task] for task in TASKS]
    assert grouping(study)["predicted"] == pytest.approx(0.502, abs=0.01)


def test_what_is_not_clearly_worse_and_costs_less_is_recommended(study):
    change_params(study, {"group.tolerance": 0.05})
    succeed(study, "group")
    found = grouping(study)
    assert found["groups"] == [TASKS]
    assert found["best_predicted"] < found["predicted"] <= found["best_predicted"] + 0.05
    assert found["bound"] == pytest.approx(found["best_predicted"])
    assert not found["is_optimal"]


def test_an_analysis_without_a_choice_is_one_line(study):
    (study / "data/analysis/summary.json").unlink()
    assert "run `cotrain analyze` first" in complaint(cotrain(study, "group"))
    (study / "data/analysis/summary.json").write_text('{"surrogate": "oracle"}')
    assert "chose the surrogate 'oracle', which is not" in complaint(cotrain(study, "group"))


def test_more_groups_than_tasks_are_as_many_as_tasks(study):
    change_params(study, {"group.max_groups": 9})
    assert "groups of 9 at most" in succeed(study, "group")
    assert len(grouping(study)["groups"]) <= 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"group.must_share": [["task0", "task9"]]},
            "`group.must_share` names the task `task9`, which the study does not have",
        ),
        ({"group.must_not_share": [["Task1", "task0"]]}, "did you mean `task1`?"),
        ({"group.weights": {"solubility": 2.0}}, "correct the name, or see if it was excluded"),
        ({"group.must_share": [["task0"]]}, "`group.must_share.0` must be "),
        ({"group.weights": {"task0": 0.0}}, "`group.weights.task0` must be greater than 0"),
        (
            {
                "group.must_share": [["task0", "task1"]],
                "group.must_not_share": [["task1", "task0"]],
            },
            "these conflict: must_not_share=((1, 0),), must_share=((0, 1),); relax one of them",
        ),
        (
            {"group.max_groups": 2, "group.max_size": 2},
            "these conflict: max_groups=2, max_size=2; relax one of them",
        ),
        ({"group.min_size": 4, "group.max_size": 3}, "max_size must be between min_size, 4, and"),
        ({"group.max_cost": 0.5}, "these conflict: max_cost=0.5; relax one of them"),
    ],
)
def test_settings_that_allow_no_grouping_are_one_line(study, changes, message):
    change_params(study, changes)
    assert message in complaint(cotrain(study, "group"))
    assert not (study / "data/grouping").exists()
