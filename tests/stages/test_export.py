"""From a grouping to models and predictions, and what stands in the way of it."""

import json

import pandas as pd
import pytest
from commands import complaint, cotrain, succeed
from molecules import write_properties
from small_study import change_params

from cotrain.init import make_study
from cotrain.serving import TrainedModels, predict_file
from cotrain.tasks import TaskTable, file_version

SETTINGS = {
    "prepare.features.bits": 128,
    "prepare.n_folds": 5,
    "plan.test_folds": 1,
    "plan.train_folds": 3,
    "plan.subset_level": 2,
    "plan.rotate": False,
    "plan.augmentations.levels": [1, 2],
    "learners.network.hidden": [8],
    "learners.network.epochs": 2,
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A study of molecules with four real-valued tasks, prepared but not trained."""
    folder = tmp_path_factory.mktemp("molecules")
    make_study(folder / "study", write_properties(folder / "mine.csv", 4, binary=False))
    change_params(folder / "study", SETTINGS)
    for stage in ("fetch", "prepare"):
        succeed(folder / "study", stage)
    return folder / "study"


@pytest.fixture
def study(prepared, tmp_path, monkeypatch):
    """That study with a grouping and its scores, as `group` and `validate` would write them."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "study"
    for name in ("params.yaml", "data/tasks.npz"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((prepared / name).read_bytes())
    tasks = TaskTable.load(folder / "data/tasks.npz").tasks
    grouping = {
        "data_version": file_version(folder / "data/tasks.npz"),
        "groups": [list(tasks[:2]), [tasks[3]], list(tasks[1:3])],
        "rivals": {},
    }
    (folder / "data/grouping").mkdir()
    (folder / "data/grouping/grouping.json").write_text(json.dumps(grouping))
    served = pd.DataFrame({"task": tasks, "group": [0, 2, 2, 1], "score": "mse"})
    served = served.assign(mean=[0.5, 0.6, 0.7, None], low=0.4, high=0.8, n_repeats=5)
    (folder / "data/validation").mkdir()
    served.to_csv(folder / "data/validation/served.csv", index=False)
    return folder


def test_models_are_trained_on_every_label_and_serve_as_validated(study, tmp_path):
    assert "3 models of 4 tasks; in MLflow study 1" in succeed(study, "export")
    models = TrainedModels.load(study / "models")
    table = TaskTable.load(study / "data/tasks.npz")
    assert [task.n_labels for task in models.manifest.tasks] == table.label_counts.sum(1).tolist()
    serving = [models.manifest.models[task.model].members for task in models.manifest.tasks]
    a, b, c, d = table.tasks
    assert serving == [[a, b], [b, c], [b, c], [d]]
    scores = [task.test_scores[0].mean for task in models.manifest.tasks]
    assert scores == [0.5, 0.6, 0.7, None]
    marks = models.manifest.similarity
    assert marks == sorted(marks)
    assert 0 < marks[1] < 1
    mine = tmp_path / "mine.csv"
    mine.write_text(f"smiles\n{table.examples[0]}\nbad\n")
    said = succeed(study, "predict", str(study / "models"), str(mine), "--out", f"{tmp_path}/p.csv")
    assert "1 of 2 examples, 4 tasks" in said
    predicted = pd.read_csv(tmp_path / "p.csv").loc[0]
    assert predicted["similarity"] == 1
    assert predicted[list(table.tasks)].tolist() == models.predict(table.features[:1])[0].tolist()


def test_a_second_export_gives_the_same_bytes_and_no_second_version(study):
    succeed(study, "export")
    before = {path.name: path.read_bytes() for path in (study / "models").iterdir()}
    change_params(study, {"train.workers": 1})
    assert "MLflow study 1" in succeed(study, "export")
    assert {path.name: path.read_bytes() for path in (study / "models").iterdir()} == before


def test_early_stopping_keeps_its_validation_folds(study):
    change_params(study, {"learners.network.patience": 1})
    succeed(study, "export", "--out", "stopped")
    manifest = TrainedModels.load(study / "stopped").manifest
    counts = TaskTable.load(study / "data/tasks.npz").label_counts
    assert manifest.train_folds == 4
    # Three folds train, the fourth is for validation, the last for test.
    assert [task.n_labels for task in manifest.tasks] == counts[:, [0, 1, 2, 4]].sum(1).tolist()


def edit_grouping(change):
    def edit(study):
        path = study / "data/grouping/grouping.json"
        found = json.loads(path.read_text())
        change(found)
        path.write_text(json.dumps(found))

    return edit


def test_a_task_called_as_our_own_column_is_told_apart_from_it(study, tmp_path):
    table = TaskTable.load(study / "data/tasks.npz")
    renamed = TaskTable(**{**vars(table), "tasks": ("similarity", *table.tasks[1:])})
    renamed.save(study / "data/tasks.npz")
    version = file_version(study / "data/tasks.npz")
    edit_grouping(lambda found: found.update(data_version=version, groups=[[*renamed.tasks]]))(
        study
    )
    served = pd.read_csv(study / "data/validation/served.csv").assign(group=0)
    served["task"] = renamed.tasks
    served.to_csv(study / "data/validation/served.csv", index=False)
    succeed(study, "export")
    (tmp_path / "mine.csv").write_text(f"smiles,id\n{table.examples[0]},x\n")
    found = predict_file(study / "models", tmp_path / "mine.csv", tmp_path / "p.csv", None, "id")
    assert found.table.columns[:6].tolist() == [
        "row", "id", "smiles", "problem", "similarity", "task: similarity",
    ]  # fmt: skip
    assert found.table["id"].tolist() == ["x"]
    assert found.table["similarity"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            edit_grouping(lambda found: found.update(data_version="another")),
            "grouping.json: made of another task table (another, not ",
        ),
        (
            edit_grouping(lambda found: found["groups"].append(["solubility"])),
            "grouping.json: cannot be read (no task is called 'solubility'); run `cotrain group`",
        ),
        (
            lambda study: (study / "data/grouping/grouping.json").unlink(),
            "grouping.json: there is no such file; run `cotrain group`",
        ),
        (
            lambda study: (study / "data/validation/served.csv").unlink(),
            "served.csv: cannot be read (",
        ),
        (
            edit_grouping(lambda found: found["groups"].pop()),
            "served.csv: cannot be read (its tasks or groups are not those of the grouping); run",
        ),
        (
            lambda study: (study / "models").write_text("a file"),
            "models: is a file; name another folder",
        ),
        (
            lambda study: change_params(study, {"learners.network.learning_rate": 1e30}),
            "a model cannot be trained on all labels: the loss is not finite in epoch",
        ),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_one_line(study, change, message):
    change(study)
    assert message in complaint(cotrain(study, "export"))
    assert not (study / "models").is_dir()
