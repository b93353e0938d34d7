"""`cotrain predict`: a row for every molecule, and a word on each that has no prediction."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import complaint, cotrain
from small_models import BITS, make_models, molecule_table

from cotrain.exceptions import DataError
from cotrain.features import ecfp, make_featurizer
from cotrain.features._given import GivenSettings
from cotrain.serving import TrainedModels, predict_file
from cotrain.serving._predict import _some
from cotrain.settings import LabelSettings


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "models"
    make_models(molecule_table()).save(folder)
    return folder


@pytest.fixture
def molecules(tmp_path) -> Path:
    path = tmp_path / "molecules.csv"
    path.write_text("id,SMILES\na,CCO\nb,not a molecule\nc,\nd,c1ccccc1C\n")
    return path


def test_every_molecule_has_a_row_and_every_task_a_column(models, molecules, tmp_path):
    found = predict_file(models, molecules, tmp_path / "out.csv")
    written = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    tasks = TrainedModels.load(models).tasks
    parts = {"real": ["", " low", " high", " spread"], "binary": ["", " spread"]}
    columns = [
        task.name + part for task in TrainedModels.load(models).manifest.tasks
        for part in parts[task.kind]
    ]  # fmt: skip
    assert list(written) == ["row", "smiles", "problem", "similarity", *columns]
    assert written["row"].tolist() == [2, 3, 4, 5]
    assert written["problem"].tolist() == ["", "text behind a blank", "no SMILES", ""]
    assert (written.loc[[1, 2], ["similarity", *tasks]] == "").all(axis=None)
    expected = TrainedModels.load(models).predict_smiles(["CCO", "c1ccccc1C"])
    values = written.loc[[0, 3], list(tasks)].astype(float).to_numpy()
    np.testing.assert_array_equal(values, expected[list(tasks)].to_numpy())
    assert found.problems == (
        f"{molecules}, row 3: text behind a blank ('not a molecule')",
        f"{molecules}, row 4: no SMILES",
    )
    assert "2 of 4 examples, 4 tasks" in found.note


def test_a_short_table_has_values_alone(models, molecules, tmp_path):
    out = tmp_path / "o.csv"
    done = cotrain(tmp_path, "predict", str(models), str(molecules), "--out", str(out), "--short")
    assert done.code == 0, done.err
    tasks = TrainedModels.load(models).tasks
    assert list(pd.read_csv(out)) == ["row", "smiles", "problem", "similarity", *tasks]


def test_rows_whose_features_stand_in_a_file(tmp_path):
    molecules = make_models(molecule_table())
    given = make_featurizer(GivenSettings(kind="given", path="trained.npz", id="name"))
    given.state = {"own": False}
    manifest = molecules.manifest.model_copy(update={"features": given.describe()})
    known = molecules.known.toarray()
    TrainedModels(manifest, molecules.models, known).save(tmp_path / "models")
    (tmp_path / "new.csv").write_text("name\na\nb\n")
    smiles = ["CCO", "c1ccccc1C"]
    np.savez(tmp_path / "new.npz", bits=ecfp(smiles, bits=BITS).toarray())
    models, new, out = (str(tmp_path / name) for name in ("models", "new.csv", "o.csv"))
    command = ("predict", models, new, "--out", out)
    line = complaint(cotrain(tmp_path, *command))
    assert "new.csv: the models were trained on a file of features, trained.npz; name" in line
    done = cotrain(tmp_path, *command, "--features", str(tmp_path / "new.npz"))
    assert done.code == 0, done.err
    tasks = list(molecules.tasks)
    expected = molecules.predict_smiles(smiles)[tasks]
    np.testing.assert_allclose(pd.read_csv(tmp_path / "o.csv")[tasks], expected, rtol=1e-6)
    bits = ecfp(smiles[::-1], bits=BITS).toarray()
    np.savez(tmp_path / "named.npz", bits=bits, name=["b", "a"])
    named = ("--features", str(tmp_path / "named.npz"), "--id", "name")
    done = cotrain(tmp_path, *command, *named)
    assert done.code == 0, done.err
    np.testing.assert_allclose(pd.read_csv(tmp_path / "o.csv")[tasks], expected, rtol=1e-6)


def test_a_task_not_to_rely_on_is_told_with_every_prediction(molecules, tmp_path):
    make_models(molecule_table(), skilled=False).save(tmp_path / "models")
    out = ("--out", str(tmp_path / "o.csv"))
    done = cotrain(tmp_path, "predict", str(tmp_path / "models"), str(molecules), *out)
    assert done.err.count("not clearly better than its base rate on validation labels") == 4
    assert "4 tasks, nothing to rely on for 4 of them (" in done.out


def test_of_hundreds_of_doubts_a_few_are_told():
    lines = [f"task {n}" for n in range(300)]
    assert _some(lines, "are not to rely on", Path("models")) == (
        *lines[:10], "models: 290 tasks more are not to rely on: see README.md there"
    )  # fmt: skip
    assert _some(lines[:11], "are not to rely on", Path("models")) == tuple(lines[:11])


def test_a_task_on_a_scale_of_its_own_is_told(molecules, tmp_path):
    models = make_models(molecule_table())
    scaled, plain = [task.name for task in models.manifest.tasks if task.kind == "real"][:2]
    label = LabelSettings.model_validate(
        models.manifest.label.model_dump() | {"tasks": {scaled: {"transform": "log10"}}}
    )
    manifest = models.manifest.model_copy(update={"label": label})
    TrainedModels(manifest, models.models, models.known).save(tmp_path / "models")
    out = ("--out", str(tmp_path / "o.csv"))
    said = cotrain(tmp_path, "predict", str(tmp_path / "models"), str(molecules), *out).err
    assert f"predictions of the task `{scaled}` are log10 of the measured value" in said
    assert f"`{plain}` are" not in said
    card = (tmp_path / "models" / "README.md").read_text()
    assert f"| {scaled} | real: log10 of the measured value |" in card
    assert f"| {plain} | real |" in card


@pytest.mark.parametrize("name", ["models.json", "model-1/network.safetensors", "new.csv"])
def test_the_folder_of_models_is_not_written_to(models, molecules, tmp_path, name):
    before = {path: path.read_bytes() for path in models.rglob("*.*")}
    (tmp_path / "link").symlink_to(models)
    for folder in (models, tmp_path / "link"):
        with pytest.raises(DataError, match="lies in the folder of models; give --out another"):
            predict_file(models, molecules, folder / name)
    assert {path: path.read_bytes() for path in models.rglob("*.*")} == before


def test_no_spreadsheet_finds_a_formula(models, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("smiles,name\nCCO,=1+1\n=HYPERLINK(),-5\n@x,+y\n")
    predict_file(models, path, tmp_path / "o.csv", None, "name")
    written = pd.read_csv(tmp_path / "o.csv", dtype=str)
    assert written["smiles"].tolist() == ["CCO", "'=HYPERLINK()", "'@x"]
    assert written["id"].tolist() == ["'=1+1", "-5", "'+y"]


def test_molecules_far_from_those_trained_on_are_counted(models, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("smiles\n[Xe]\nCc1ccccc1\n")
    note = predict_file(models, path, tmp_path / "out.csv").note
    assert "1 lies below a similarity of 0.24 to the examples trained on" in note


def test_the_command_tells_each_problem_and_succeeds(models, molecules, tmp_path):
    out = tmp_path / "out.csv"
    done = cotrain(tmp_path, "predict", str(models), str(molecules), "--out", str(out))
    assert done.code == 0, done.err
    assert "row 3: text behind a blank" in done.err
    assert f"{out}: 2 of 4 examples" in done.out


@pytest.mark.parametrize(
    ("text", "smiles", "message"),
    [
        ("id,name\n1,x\n", None, "no column `smiles`, as the models were trained on; name it"),
        ("id,name\n1,x\n", "nam", "no column `nam`, which `--smiles` names; did you mean `name`?"),
        ("smiles\nrubbish\n", None, "row 2: SMILES cannot be parsed ('rubbish'), nor any other"),
        ("", None, "the file is empty"),
        (None, None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(models, tmp_path, text, smiles, message):
    path = tmp_path / "mine.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError) as caught:
        predict_file(models, path, tmp_path / "out.csv", smiles)
    assert message in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_the_molecules_are_not_written_over(models, molecules):
    text = molecules.read_text()
    with pytest.raises(DataError, match="is the file of examples; give --out another name"):
        predict_file(models, molecules, molecules)
    assert molecules.read_text() == text


def test_a_folder_without_models_is_one_line(tmp_path, molecules):
    said = complaint(cotrain(tmp_path, "predict", str(tmp_path), str(molecules)))
    assert "models.json: no list of models here; run" in said


def test_predicting_needs_neither_torch_nor_mlflow(models, molecules, tmp_path):
    code = (
        "import sys; from cotrain.cli import main\n"
        f"sys.argv = ['', 'predict', {str(models)!r}, {str(molecules)!r}, '--out', 'o.csv']\n"
        "main()\n"
        "print(sorted({'torch', 'mlflow', 'optuna', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip().endswith("[]")
