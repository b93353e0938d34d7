"""Models in a folder: what they predict, and what a damaged folder is answered with."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from random_fits import make_model
from rdkit.Chem import MolFromSmiles
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.DataStructs import BulkTanimotoSimilarity
from safetensors.numpy import load, save
from small_models import BITS, GROUPS, SERVING, group_fits, make_models, molecule_table, molecules

from cotrain.exceptions import CotrainError, DataError
from cotrain.features import nearest
from cotrain.files import sealed, unsigned
from cotrain.gradients import CombinedNetwork, CombinedSettings
from cotrain.scores import score_tasks
from cotrain.serving import TrainedModels
from cotrain.serving._models import _sha256
from cotrain.training.network import Network


@pytest.fixture(scope="module")
def table():
    return molecule_table()


@pytest.fixture(scope="module")
def models(table):
    return make_models(table)


@pytest.fixture
def folder(models, tmp_path) -> Path:
    models.save(tmp_path / "models")
    return tmp_path / "models"


@pytest.mark.parametrize(
    "make",
    [
        lambda **size: Network(make_model(**size)),
        lambda **size: Network(make_model(engine="torch", **size)),
        lambda **size: CombinedNetwork(
            CombinedSettings(
                **make_model(engine="torch", **size).model_dump(exclude={"kind"}),
                combination="pcgrad",
            )
        ),
    ],
    ids=["compiled", "torch", "combined"],
)
@pytest.mark.parametrize("hidden", [[12], [20, 9]])
def test_predictions_score_what_the_engine_scored(table, tmp_path, make, hidden):
    learner = make(hidden=hidden)
    make_models(table, learner).save(tmp_path / "models")
    trained = TrainedModels.load(tmp_path / "models")
    for place, (fit, scored) in enumerate(
        zip(group_fits(), learner.evaluate(table, group_fits()), strict=True)
    ):
        tested = np.flatnonzero(np.isin(table.folds, fit.folds.test))
        found = trained.predict_smiles([table.examples[row] for row in tested])
        for at, task in enumerate(fit.members):
            if SERVING[task] != place:
                continue
            truth = table.labels[tested][:, [task]].tocoo()
            value = found[table.tasks[task]].to_numpy()[truth.row]
            is_binary = np.array([table.kinds[task] == "binary"])
            raw = np.log(value / (1 - value)) if is_binary[0] else value
            member = np.zeros(len(raw), dtype=np.int64)
            again = score_tasks(member, truth.data, raw, is_binary)[0]
            np.testing.assert_allclose(again, scored.test[at], rtol=2e-5, atol=1e-6)
            assert np.isfinite(again).any()


def test_a_task_is_predicted_by_the_model_that_serves_it(table, models):
    found = models.predict(table.features[:50])
    for task, place in enumerate(SERVING):
        weights = models.weights[place]
        raw = weights.outputs(table.features[:50])[:, GROUPS[place].index(task)]
        expected = 1 / (1 + np.exp(-raw)) if table.kinds[task] == "binary" else raw
        np.testing.assert_allclose(found[:, task], expected, rtol=1e-12)


def test_a_molecule_counts_however_it_is_written(models):
    one, other = models.predict_smiles(["OCC", "C(C)O"]).drop(columns="problem").to_numpy()
    np.testing.assert_array_equal(one, other)


def test_what_was_saved_is_loaded_to_the_bit(table, models, folder):
    again = TrainedModels.load(folder)
    assert again.manifest.files.keys() == {
        "model-1.safetensors", "model-2.safetensors", "known.safetensors",
    }  # fmt: skip
    np.testing.assert_array_equal(again.predict(table.features), models.predict(table.features))


def test_the_same_models_are_the_same_bytes(models, folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "left over.safetensors").write_bytes(b"")
    models.save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["models"]


def test_a_folder_of_other_things_is_left_alone(models, tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(CotrainError, match="holds other files than models; name another"):
        models.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_models_of_other_features_take_no_molecules(models):
    manifest = models.manifest.model_copy(update={"features": None})
    other = TrainedModels(manifest, models.weights, None)
    with pytest.raises(DataError, match="features of the source's own, which nothing"):
        other.predict_smiles(["C"])
    with pytest.raises(ValueError, match=f"features must have {BITS} numbers a row, got"):
        other.predict(models.known[:, :5])


def edit(change):
    """A change of models.json, sealed anew."""

    def damage(folder: Path) -> None:
        path = folder / "models.json"
        values = json.loads(path.read_text())
        change(values)
        values["seal"] = unsigned("list of models")
        path.write_bytes(sealed(json.dumps(values).encode()))

    return damage


def rewrite(change):
    """A change of the first model's arrays, with a checksum that hides it."""

    def damage(folder: Path) -> None:
        path = folder / "model-1.safetensors"
        arrays = load(path.read_bytes())
        change(arrays)
        path.write_bytes(save({name: value.copy() for name, value in arrays.items()}))
        edit(lambda v: v["files"].update({path.name: _sha256(path.read_bytes())}))(folder)

    return damage


def flip(folder: Path) -> None:
    path = folder / "model-2.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


class Bomb:
    def __reduce__(self):
        return (Path("exploded").touch, ())


def put_a_pickle(folder: Path) -> None:
    path = folder / "model-1.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    edit(lambda v: v["files"].update({path.name: _sha256(path.read_bytes())}))(folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "models.json").unlink(), "models.json: no list of models here; run"),
        (lambda f: (f / "models.json").write_text("{"), "models.json: not a list of models (it is "),
        (lambda f: (f / "models.json").write_bytes(b"\xff\xfe"), "models.json: not a list of models (it is "),
        (edit(lambda v: v.pop("seed")), "models.json: `seed`: Field required; run `cotrain expo"),
        (edit(lambda v: v.update(code="x")), "`code`: Extra inputs are not permitted"),
        (edit(lambda v: v.update(format=3)), "`format`: Input should be 2"),
        (edit(lambda v: v.update(seed="7")), "`seed`: Input should be a valid integer"),
        (edit(lambda v: v["tasks"][0].update(model=5)), "must be served by a model that holds it"),
        (edit(lambda v: v["tasks"][0].update(model=1)), "must be served by a model that holds it"),
        (edit(lambda v: v["tasks"][0].update(name="weight")), "tasks must have different names"),
        (edit(lambda v: v["tasks"][0].update(name="z")), "must hold tasks of the list, got `lipo"),
        (edit(lambda v: v["model"].update(hidden=[4])), "`weight_0` must have shape (128, 4), got"),
        (edit(lambda v: v.update(n_features=64)), "`weight_0` must have shape (64, 20), got"),
        (edit(lambda v: v.update(files={})), "model-1.safetensors: differs from the file that was"),
        (flip, "model-2.safetensors: differs from the file that was exported (its SHA-256 is ano"),
        (lambda f: (f / "model-2.safetensors").unlink(), "cannot be read (No such file or direct"),
        (lambda f: (f / "known.safetensors").write_bytes(b""), "differs from the file that"),
        (rewrite(lambda a: a["bias_0"].fill(np.nan)), "`bias_0` must be finite numbers"),
        (rewrite(lambda a: a.pop("shift")), "`shift` must have shape (3,), got nothing"),
        (put_a_pickle, "model-1.safetensors: not as it was exported ("),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_one_clear_line(folder, damage, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    damage(folder)
    with pytest.raises(DataError) as caught:
        TrainedModels.load(folder)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not Path("exploded").exists()


def test_similarity_is_rdkit_s(table):
    generator = GetMorganGenerator(radius=2, fpSize=BITS)
    bits = [generator.GetFingerprint(MolFromSmiles(one)) for one in table.examples[:60]]
    expected = [max(BulkTanimotoSimilarity(one, bits[20:])) for one in bits[:20]]
    found = nearest(molecules(), table.features[:20], table.features[20:60])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_card_says_what_was_measured_and_where_it_holds(folder):
    text = (folder / "README.md").read_text()
    assert "| polar surface | real | 1 | 100 |  | 0.800 (0.700 to 0.900) |" in text
    assert "had 0.24 at the 5 % mark, 0.60 at the median and 0.96 at the 95 % mark" in text
    assert "`model-2.safetensors`: refractivity, weight" in text
