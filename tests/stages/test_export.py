"""From a portfolio to models and predictions, and what stands in the way of it."""

import json
from dataclasses import replace

import numpy as np
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
    "learners.forest": {"kind": "forest", "n_trees": 5},
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


MODELS = [("network", [0, 1], 0), ("network", [0, 1], 1), ("forest", [0, 1, 2, 3], 0)]


def write_validation(folder, models=MODELS):
    """What `cotrain validate` writes of a portfolio, its last task without skill."""
    table = TaskTable.load(folder / "data/tasks.npz")
    tasks, out = table.tasks, folder / "data/validation"
    out.mkdir(exist_ok=True)
    portfolio = {
        "data_version": file_version(folder / "data/tasks.npz"),
        "name": "ensemble and other learners",
        "models": [
            {
                "learner": name,
                "members": [tasks[task] for task in members],
                "draw": draw,
                "serves": [tasks[task] for task in serves],
            }
            for name, members, draw, *serves in models
        ],
    }
    (out / "portfolio.json").write_text(json.dumps(portfolio))
    learners = list(dict.fromkeys(name for name, *_ in models))
    weights = [(task, name, 0.6) for task in tasks for name in learners]
    pd.DataFrame(weights, columns=["task", "role", "weight"]).to_csv(
        out / "weights.csv", index=False
    )
    served = pd.DataFrame({"task": tasks, "score": "r2"})
    served = served.assign(mean=[0.5, 0.6, 0.7, None], low=0.4, high=0.8, n_repeats=5)
    served.to_csv(out / "served.csv", index=False)
    skill = pd.DataFrame({"task": tasks, "skill": [0.3, 0.4, 0.5, None], "p_value": 0.01})
    skill.assign(skilled=[True, True, True, False]).to_csv(out / "skill.csv", index=False)
    intervals = pd.DataFrame({"task": tasks, "coverage": 0.9, "half_width": [1.0, 2, 3, None]})
    intervals = intervals.assign(n_examples=30, test_coverage=[0.9, 0.8, 1.0, None])
    intervals.to_csv(out / "intervals.csv", index=False)


@pytest.fixture
def study(prepared, tmp_path, monkeypatch):
    """That study with a portfolio and its scores, as `validate` would write them."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "study"
    for name in ("params.yaml", "data/tasks.npz"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((prepared / name).read_bytes())
    write_validation(folder)
    return folder


def test_models_are_trained_on_every_label_and_blended_as_validated(study, tmp_path):
    said = succeed(study, "export")
    assert "3 models of 4 tasks (ensemble and other learners); 1 of them are not to rely" in said
    assert "in MLflow study 1" in said
    models = TrainedModels.load(study / "models")
    table = TaskTable.load(study / "data/tasks.npz")
    notes = models.manifest.tasks
    assert [task.n_labels for task in notes] == table.label_counts.sum(1).tolist()
    found = [(note.learner, note.kind, note.members, note.draw) for note in models.manifest.models]
    a, b, c, d = table.tasks
    assert found == [
        ("network", "network", [a, b], 0),
        ("network", "network", [a, b], 1),
        ("forest", "forest", [a, b, c, d], 0),
    ]
    assert [task.test_scores[0].mean for task in notes] == [0.5, 0.6, 0.7, None]
    assert [task.half_width(0.9) for task in notes] == [1.0, 2.0, 3.0, None]
    assert list(models.doubts) == [d]
    mean = [table.labels.tocsc()[:, [task]].data.mean() for task in range(4)]
    assert [task.base for task in notes] == pytest.approx(mean, rel=1e-5)
    first, second, forest = (model.outputs(table.features[:9]) for model in models.models)
    assert not np.allclose(first, second)
    # The second network is another draw: both share one weight, and so does the forest.
    for task in (0, 1):
        network = (first[:, task] + second[:, task]) / 2
        expected = mean[task] + 0.6 * (network + forest[:, task] - 2 * mean[task])
        np.testing.assert_allclose(models.predict(table.features[:9])[:, task], expected, rtol=1e-4)
    marks = models.manifest.similarity
    assert marks == sorted(marks)
    assert 0 < marks[1] < 1
    mine = tmp_path / "mine.csv"
    mine.write_text(f"smiles\n{table.examples[0]}\nbad\n")
    said = succeed(study, "predict", str(study / "models"), str(mine), "--out", f"{tmp_path}/p.csv")
    assert f"1 of 2 examples, 4 tasks, nothing to rely on for 1 of them (`{d}`)" in said
    predicted = pd.read_csv(tmp_path / "p.csv").loc[0]
    assert predicted["similarity"] == 1
    assert predicted[list(table.tasks)].tolist() == models.predict(table.features[:1])[0].tolist()


def test_a_task_of_several_groups_is_predicted_by_the_one_that_serves_it(study):
    """The first network is better for no task but the first: the second task only helps there."""
    groups = [("network", [0, 1], 0, 0), ("network", [1, 2], 1, 1, 2), ("network", [0, 2, 3], 2, 3)]
    write_validation(study, groups)
    succeed(study, "export")
    models = TrainedModels.load(study / "models")
    a, b, c, d = models.tasks
    assert [note.serves for note in models.manifest.models] == [[a], [b, c], [d]]
    features = TaskTable.load(study / "data/tasks.npz").features[:9]
    said = [model.outputs(features) for model in models.models]
    serving = np.column_stack([said[0][:, 0], said[1], said[2][:, 2]])
    base = np.array([task.base for task in models.manifest.tasks])
    expected = base + 0.6 * (serving - base)
    np.testing.assert_allclose(models.predict(features), expected, rtol=1e-5)
    card = (study / "models/README.md").read_text()
    assert f"| {b}, {c} |  |" in card
    assert f"| {d} | {a}, {c} |" in card


def test_a_portfolio_without_models_is_exported_and_says_so(study):
    write_validation(study, [])
    said = succeed(study, "export")
    assert "0 models of 4 tasks" in said
    assert "every task is predicted by its base rate" in said
    assert len(TrainedModels.load(study / "models").doubts) == 4


def test_a_second_export_gives_the_same_bytes_and_no_second_version(study):
    succeed(study, "export")
    before = {path: path.read_bytes() for path in (study / "models").rglob("*.*")}
    change_params(study, {"train.workers": 1})
    assert "MLflow study 1" in succeed(study, "export")
    assert {path: path.read_bytes() for path in (study / "models").rglob("*.*")} == before


def test_early_stopping_keeps_its_validation_folds(study):
    change_params(study, {"learners.network.patience": 1})
    succeed(study, "export", "--out", "stopped")
    manifest = TrainedModels.load(study / "stopped").manifest
    counts = TaskTable.load(study / "data/tasks.npz").label_counts
    assert [model.train_folds for model in manifest.models] == [4, 4, 5]
    # Three folds train, the fourth is for validation, the last for test.
    assert manifest.models[0].n_labels == counts[:2, [0, 1, 2, 4]].sum(1).tolist()
    assert manifest.models[2].n_labels == counts.sum(1).tolist()


def edit_portfolio(change):
    def edit(study):
        path = study / "data/validation/portfolio.json"
        found = json.loads(path.read_text())
        change(found)
        path.write_text(json.dumps(found))

    return edit


def edit_table(name, old, new):
    def edit(study):
        path = study / "data/validation" / name
        path.write_text(path.read_text().replace(old, new))

    return edit


def test_a_task_called_as_our_own_column_is_told_apart_from_it(study, tmp_path):
    table = TaskTable.load(study / "data/tasks.npz")
    renamed = replace(table, tasks=("similarity", *table.tasks[1:]))
    renamed.save(study / "data/tasks.npz")
    write_validation(study)
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
            edit_portfolio(lambda found: found.update(data_version="another")),
            "portfolio.json: made of another task table (another, not ",
        ),
        (
            edit_portfolio(lambda found: found["models"][0].update(members=["solubility"])),
            "portfolio.json: cannot be read (no task is called 'solubility'); run `cotrain valida",
        ),
        (
            edit_portfolio(lambda found: found["models"][0].update(serves=["solubility"])),
            "`serves` must name members, got 'solubility'); run `cotrain validate`",
        ),
        (
            edit_portfolio(lambda found: found.pop("models")),
            "portfolio.json: cannot be read (`models`: Field required); run `cotrain validate`",
        ),
        (
            lambda study: (study / "data/validation/portfolio.json").unlink(),
            "portfolio.json: there is no such file; run `cotrain validate`",
        ),
        (
            lambda study: (study / "data/validation/served.csv").unlink(),
            "served.csv: there is no such file; run `cotrain validate`",
        ),
        (
            edit_portfolio(lambda found: found["models"].pop()),
            "weights.csv: cannot be read (its rows do not fit the portfolio and the tasks); run",
        ),
        (edit_table("weights.csv", "0.6", "-0.6"), "weights.csv: cannot be read (its rows"),
        (edit_table("weights.csv", "0.6", "much"), "column `weight` must be a number, got 'much"),
        (edit_table("skill.csv", "True", "maybe"), "column `skilled` must be True or False, got"),
        (edit_table("intervals.csv", "half", "whole"), "intervals.csv: column `half_width` is missing; run"),
        (
            lambda study: change_params(
                study, {"learners": {"network": {"kind": "network"}}}
            ),
            "params.yaml: `learners` lacks `forest`, which the portfolio needs; run `cotrain vali",
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
