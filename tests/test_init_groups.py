"""`cotrain init --tasks-by`: groups of rows as tasks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import STAGES, complaint, cotrain, succeed
from small_study import change_params

from cotrain.init._groups import unusable
from cotrain.settings import load_settings

ROWS = 1200
QUICK = {
    "learners.network.hidden": [16],
    "plan.placebo.n_subsets": 0,
    "group.trials": 20,
    "validate.repeats": 2,
}


def init(folder: Path, *options: object) -> str:
    return succeed(Path(), "init", str(folder), *map(str, options))


def people(seed: int = 0) -> pd.DataFrame:
    """Four regions of two kinds; the label follows from `a` and `b`, but in the north by chance."""
    rng = np.random.default_rng(seed)
    region = np.array(["north", "south", "east", "west"])[np.arange(ROWS) % 4]
    a, b = rng.normal(size=(2, ROWS)).round(3)
    # Told apart so well that no column alone gives the label away.
    label = (a + b + 0.1 * rng.normal(size=ROWS) > 0).astype(int)
    label = np.where(region == "north", rng.integers(0, 2, ROWS), label)
    return pd.DataFrame({
        "region": region,
        "pole": np.where(np.isin(region, ["north", "south"]), "yes", "no"),
        "a": a,
        "b": b,
        "job": rng.choice(["smith", "baker", "nurse"], ROWS),
        "fnlwgt": rng.integers(1, 9000, ROWS),
        "income": label * 60_000 + rng.integers(0, 50_000, ROWS),
        "rich": label,
    })  # fmt: skip


@pytest.fixture
def csv(tmp_path):
    people().to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


def test_all_columns_are_features_but_those_that_name_the_group_or_tell_the_label(csv, tmp_path):
    said = init(tmp_path / "s", "--csv", csv, "--tasks-by", "region", "--label", "rich")
    settings = load_settings(tmp_path / "s" / "params.yaml")
    assert settings.prepare.features.columns == ["a", "b", "job"]
    assert (settings.fetch.task, settings.fetch.value) == ("region", "rich")
    assert settings.learners["pooled"].kind == "pooled"  # the fair rivals of groups
    assert settings.learners["pooled linear"].kind == "pooled_linear"
    why = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert "one value in each group" in why["pole"]
    assert "gives the label away: one cut tells 100%" in why["income"]
    assert "weighs" in why["fnlwgt"]
    assert "4 tasks: north, south, east and west" in said


def test_a_column_called_like_a_group_is_a_feature(tmp_path):
    people().rename(columns={"a": "south"}).to_csv(tmp_path / "people.csv", index=False)
    init(
        tmp_path / "s", "--csv", tmp_path / "people.csv", "--tasks-by", "region", "--label", "rich"
    )
    features = load_settings(tmp_path / "s" / "params.yaml").prepare.features
    assert features.columns == ["south", "b", "job"]


def test_several_columns_are_joined_and_named_features_are_taken(csv, tmp_path):
    options = ("--tasks-by", "region", "--tasks-by", "job", "--label", "rich")
    said = init(tmp_path / "s", "--csv", csv, *options, "--features", "columns:a,income")
    settings = load_settings(tmp_path / "s" / "params.yaml")
    assert settings.fetch.task == ["region", "job"]
    assert settings.prepare.features.columns == ["a", "income"]  # the user's word counts
    assert "12 tasks: north / " in said
    options = ("--tasks-by", "region", "--tasks-by", "pole", "--label", "rich")
    said = init(tmp_path / "p", "--csv", csv, *options)
    assert "4 tasks: north / pole yes, south / pole yes, east / pole no and west / pole no" in said


def test_rows_without_one_of_several_names_of_a_group_are_told(tmp_path):
    table = people().assign(old=np.arange(ROWS) % 3 % 2 * 1.0)
    table.loc[:9, "old"] = np.nan
    table.loc[:4, "region"] = ""
    table.to_csv(tmp_path / "t.csv", index=False)
    by = ("--tasks-by", "region", "--tasks-by", "old", "--label", "rich")
    said = init(tmp_path / "s", "--csv", tmp_path / "t.csv", *by)
    assert "10 rows name no group and are left out" in said
    tasks = load_settings(tmp_path / "s" / "params.yaml").fetch.tasks
    assert sorted(tasks) == [
        f"{region} / old {old}" for region in ("east", "north", "south", "west") for old in (0, 1)
    ]


def test_the_order_of_real_labels_gives_them_away():
    a = people()["a"]
    table = people().assign(rich=a, copy=a**3, above=(a > 0.3) * 1, apart=(a > 0.3) ^ (a > 1))
    columns = [
        type("C", (), {"name": n, "role": "task", "kind": "real", "why": ""})
        for n in ("b", "copy", "above", "apart", "rich")
    ]
    found = unusable(table.astype(str), columns, ["region"], "rich")
    assert set(found) == {"copy", "above", "rich"}
    assert "rank correlation 1.00" in found["copy"]
    assert "one cut of the label tells 100% of one of its two values" in found["above"]


def test_groups_of_one_class_and_rows_without_a_group_are_told(tmp_path):
    table = people()
    table.loc[table["region"] == "west", "rich"] = 1
    table.loc[:9, "region"] = ""
    table.to_csv(tmp_path / "t.csv", index=False)
    options = ("--csv", tmp_path / "t.csv", "--tasks-by", "region", "--label", "rich")
    said = init(tmp_path / "s", *options)
    assert "1 of 4 groups have one label alone" in said
    assert "`west`" in said
    assert "10 rows name no group" in said
    assert "10" not in succeed(tmp_path / "s", "fetch").split()
    assert "excluded" in succeed(tmp_path / "s", "prepare")
    excluded = pd.read_csv(tmp_path / "s" / "data/prepared/excluded.csv")
    assert excluded["task"].tolist() == ["west"]


def test_targets_are_primary_tasks(csv, tmp_path):
    options = ("--csv", csv, "--tasks-by", "region", "--label", "rich")
    init(tmp_path / "s", *options, "--target", "north", "--target", "east")
    assert load_settings(tmp_path / "s" / "params.yaml").plan.primary == ["north", "east"]
    made = cotrain(Path(), "init", str(tmp_path / "t"), *map(str, options), "--target", "up")
    assert "--target names `up`, which is no task" in complaint(made)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tasks-by", "region"], "--label"),
        (["--label", "rich"], "--tasks-by"),
        (["--tasks-by", "regio", "--label", "rich"], "did you mean `region`"),
        (["--tasks-by", "region", "--label", "wealth"], "no column `wealth`"),
        (["--tasks-by", "region", "--label", "pole"], "only 0 have labels that differ"),
        (["--tasks-by", "region", "--label", "job"], "no cell of `job`"),
        (["--tasks-by", "region", "--label", "rich", "--value-column", "a"], "leave those out"),
        (["--tasks-by", "region", "--label", "rich", "--ignore", "a,b,job"], "no column is left"),
    ],
)
def test_what_cannot_be(csv, tmp_path, options, said):
    made = cotrain(Path(), "init", str(tmp_path / "s"), "--csv", str(csv), *options)
    assert said in complaint(made)


@pytest.mark.slow
def test_the_group_that_nobody_can_predict_is_the_worst_one(csv, tmp_path):
    study = tmp_path / "s"
    init(study, "--csv", csv, "--tasks-by", "region", "--label", "rich")
    change_params(
        study, QUICK | {"validate.objective": "worst", "plan.primary": ["south", "north"]}
    )
    for stage in STAGES:
        succeed(study, *stage.split())
    subsets = pd.read_parquet(study / "data/fits/subsets.parquet")
    drawn = subsets[subsets["kind"] == "subset"].groupby("fit_id")["task"].agg(set)
    assert all({"south", "north"} & tasks for tasks in drawn)
    assert {"east", "west"} <= set().union(*drawn)
    compared = pd.read_csv(study / "data/validation/comparison.csv")
    assert set(compared["n_tasks"]) == {2}
    tasks = pd.read_csv(study / "data/validation/tasks.csv")
    assert set(tasks["task"]) == set(people()["region"])
    auroc = tasks[(tasks["score"] == "auroc") & (tasks["grouping"] == "recommended")]
    auroc = auroc[auroc["calibration"] == "raw"].set_index("task")["mean"]
    figures = json.loads((study / "reports/metrics.json").read_text())
    assert figures["test_worst_task_recommended"] == auroc["north"]
    assert auroc["north"] < 0.7 < 0.9 < auroc.drop("north").min()
    compared = compared[(compared["score"] == "auroc") & (compared["calibration"] == "raw")]
    mean = compared.set_index("grouping")["mean"]["recommended"]
    assert mean == pytest.approx(auroc[["south", "north"]].mean())
    page = (study / "reports/report.html").read_text()
    assert "worst task is “north”" in page
