"""Models in a folder: what they predict, and what a damaged folder is answered with."""

import dataclasses
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
from scipy.special import expit, logit
from small_models import BITS, GROUPS, group_fits, make_models, molecule_table, molecules

from cotrain.allocation import rotations
from cotrain.comparison import Candidate, Model, Phase, repeat_outputs, score_portfolio
from cotrain.exceptions import CotrainError, DataError
from cotrain.features import nearest
from cotrain.files import sealed, unsigned
from cotrain.gradients import CombinedNetwork, CombinedSettings
from cotrain.registry import LEARNERS as LEARNER_KINDS
from cotrain.scores import score_tasks
from cotrain.serving import Figure, TrainedModels
from cotrain.serving._folder import _exchanged, sha256
from cotrain.training import make_learner
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


LEARNERS = {
    "compiled": lambda: Network(make_model(hidden=[20, 9])),
    "torch": lambda: Network(make_model(engine="torch")),
    "combined": lambda: CombinedNetwork(
        CombinedSettings(
            **make_model(engine="torch").model_dump(exclude={"kind"}), combination="pcgrad"
        )
    ),
    **{
        kind: lambda kind=kind, few=few: make_learner(
            LEARNER_KINDS.find(kind).Settings(kind=kind, **few)
        )
        for kind, few in {
            "forest": {"n_trees": 5},
            "boosting": {"n_trees": 5},
            "linear": {},
            "kernel": {},
            "module": {"trunk": "small_trunks:plain", "epochs": 2},
            "chemprop": {"hidden": 16, "epochs": 2},
        }.items()
    },
}


@pytest.mark.parametrize("name", LEARNERS)
def test_what_is_served_predicts_what_was_validated(table, tmp_path, name):
    if name == "chemprop":
        pytest.importorskip("chemprop")
    learner = LEARNERS[name]()
    fits, phase = group_fits(), Phase(rotations(5, 3, 1, 1, 7), 3)
    models = [Model("mine", group) for group in GROUPS]
    results = dict(zip(fits, learner.evaluate(table, fits), strict=True))
    own = {model: [fit] for model, fit in zip(models, fits, strict=True)}
    pair = tuple(
        repeat_outputs(table, own, results, phase, use)[0] for use in ("validation", "test")
    )
    portfolio = Candidate("grouping", tuple(models))
    scored, weights = score_portfolio(portfolio, [pair], 0)
    exported = make_models(table, learner)
    notes = [
        note.model_copy(update={"weights": {"mine": float(weights[task, 0])}})
        for task, note in enumerate(exported.manifest.tasks)
    ]
    manifest = exported.manifest.model_copy(update={"tasks": notes})
    TrainedModels(manifest, exported.models, exported.known).save(tmp_path / "models")
    served = TrainedModels.load(tmp_path / "models")
    tested = np.flatnonzero(np.isin(table.folds, fits[0].folds.test))
    found = served.predict_smiles([table.examples[row] for row in tested])[list(table.tasks)]
    truth = table.labels[tested].tocoo()
    value = found.to_numpy()[truth.row, truth.col]
    is_binary = np.array([kind == "binary" for kind in table.kinds])
    raw = np.where(is_binary[truth.col], logit(np.clip(value, 0, 1)), value)
    again = score_tasks(truth.col.astype(np.int64), truth.data, raw, is_binary)
    np.testing.assert_allclose(again, scored.raw.values[0], rtol=1e-4, atol=1e-5)
    assert np.isfinite(again).any(axis=1).all()


def test_a_prediction_is_the_base_rate_and_the_weighted_mean_of_its_models(table, models):
    found = models.forecast(table.features[:50])
    first, second = (model.outputs(table.features[:50]) for model in models.models)
    notes = models.manifest.tasks
    both = (first[:, 1] + second[:, 0]) / 2
    np.testing.assert_allclose(
        found.value[:, 1], expit(notes[1].base + 0.8 * (both - notes[1].base)), rtol=1e-9
    )
    alone = notes[0].base + 0.5 * (first[:, 0] - notes[0].base)
    np.testing.assert_allclose(found.value[:, 0], alone, rtol=1e-9)
    np.testing.assert_allclose(found.low[:, 0], alone - 1.5)
    np.testing.assert_allclose(found.high[:, 0], alone + 1.5)
    assert np.isnan(found.low[:, 1]).all()
    each = [
        expit(notes[1].base + 0.8 * (out - notes[1].base)) for out in (first[:, 1], second[:, 0])
    ]
    np.testing.assert_allclose(found.spread[:, 1], np.std(each, axis=0), rtol=1e-6, atol=1e-12)
    assert np.isnan(found.spread[:, [0, 2, 3]]).all()


def test_an_interval_of_another_coverage_is_unknown(table, models):
    found = models.forecast(table.features[:5], coverage=0.8)
    assert np.isnan(found.low).all()


def test_a_portfolio_without_models_predicts_base_rates_and_says_so(table, tmp_path):
    make_models(table, groups=()).save(tmp_path / "models")
    models = TrainedModels.load(tmp_path / "models")
    found = models.forecast(table.features[:3])
    notes = models.manifest.tasks
    expected = [expit(one.base) if one.kind == "binary" else one.base for one in notes]
    np.testing.assert_allclose(found.value, np.tile(expected, (3, 1)))
    assert set(models.doubts.values()) == {"every example gets its base rate"}
    text = (tmp_path / "models/README.md").read_text()
    assert "it has no model" in text
    assert "Do not rely on 4 of the 4 tasks" in text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"skilled": False}, "not clearly better than its base rate on validation labels"),
        ({"test_scores": [Figure(score="d2", mean=-0.1, low=None, high=None, n_repeats=1)]},
         "no better than its base rate on test labels (D² -0.100)"),
        ({"test_scores": [Figure(score="auroc", mean=0.4, low=None, high=None, n_repeats=1)]},
         "no better than chance on test labels (AUROC 0.400)"),
        ({"weights": {"mine": 0.0}}, "every example gets its base rate"),
        ({"n_labels": 0}, "there is no label to learn it from"),
    ],
)  # fmt: skip
def test_a_task_that_nothing_is_claimed_of_is_named(table, changes, reason):
    models = make_models(table, **changes)
    assert models.doubts == dict.fromkeys(table.tasks, reason)
    if "n_labels" in changes:
        assert np.isnan(models.predict(table.features[:2])).all()


def test_names_of_any_kind_are_escaped_and_told_apart(table, tmp_path):
    odd = ("<script>a|b", "line\nbreak `x`", "similarity", "similarity low")
    renamed = dataclasses.replace(table, tasks=odd)
    make_models(renamed).save(tmp_path / "models")
    text = (tmp_path / "models/README.md").read_text()
    assert "<script>" not in text
    assert "| &lt;script&gt;a\\|b | real |" in text
    assert "| line break \\`x\\` | binary |" in text
    found = TrainedModels.load(tmp_path / "models").predict_smiles(["CCO"])
    assert found.columns.is_unique
    assert {"task: similarity", *odd[:2], odd[3]} <= set(found.columns)


def test_a_molecule_counts_however_it_is_written(models):
    frame = models.predict_smiles(["OCC", "C(C)O"]).drop(columns="problem")
    one, other = frame.to_numpy(dtype=float)
    np.testing.assert_array_equal(one, other)


def test_what_was_saved_is_loaded_to_the_bit(table, models, folder):
    again = TrainedModels.load(folder)
    assert again.manifest.files.keys() == {
        "model-1/network.safetensors", "model-2/network.safetensors", "known.safetensors",
        "README.md",
    }  # fmt: skip
    np.testing.assert_array_equal(again.predict(table.features), models.predict(table.features))


def test_the_same_models_are_the_same_bytes(models, folder):
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    (folder / "left over.safetensors").write_bytes(b"")
    models.save(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    assert [path.name for path in folder.parent.iterdir()] == ["models"]


def test_at_no_moment_are_there_no_models(models, folder, monkeypatch):
    """A kill between two renames would leave none: on Linux there is one."""

    replace = Path.replace

    def no_second_step(path: Path, target: Path) -> Path:
        assert path != folder.resolve(), "taken away before the new one came"
        return replace(path, target)

    if not _exchanged(folder, folder.parent / "models"):
        pytest.skip("this file system exchanges no folders")
    before = (folder / "models.json").stat().st_ino
    monkeypatch.setattr(Path, "replace", no_second_step)
    models.save(folder)
    assert (folder / "models.json").stat().st_ino != before
    TrainedModels.load(folder)


def test_models_are_replaced_where_folders_cannot_be_exchanged(models, folder, monkeypatch):
    monkeypatch.setattr("cotrain.serving._folder._exchanged", lambda *_: False)
    (folder / "left over.safetensors").write_bytes(b"")
    models.save(folder)
    assert not (folder / "left over.safetensors").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["models"]


def test_a_link_to_models_stays_a_link(models, folder):
    link = folder.parent / "link"
    link.symlink_to("models")
    (folder / "left over.safetensors").write_bytes(b"")
    models.save(link)
    assert link.is_symlink()
    assert not (folder / "left over.safetensors").exists()


def test_a_folder_of_other_things_is_left_alone(models, tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(CotrainError, match="holds other files than models; name another"):
        models.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_models_of_other_features_take_no_molecules(models):
    manifest = models.manifest.model_copy(update={"features": None})
    other = TrainedModels(manifest, models.models, None)
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
        path = folder / "model-1/network.safetensors"
        arrays = load(path.read_bytes())
        change(arrays)
        path.write_bytes(save({name: value.copy() for name, value in arrays.items()}))
        edit(
            lambda v: v["files"].update({"model-1/network.safetensors": sha256(path.read_bytes())})
        )(folder)

    return damage


def flip(folder: Path) -> None:
    path = folder / "model-2/network.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


class Bomb:
    def __reduce__(self):
        return (Path("exploded").touch, ())


def put_a_pickle(folder: Path) -> None:
    path = folder / "model-1/network.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    edit(lambda v: v["files"].update({"model-1/network.safetensors": sha256(path.read_bytes())}))(
        folder
    )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "models.json").unlink(), "models.json: no list of models here; run"),
        (lambda f: (f / "models.json").write_text("{"), "models.json: not a list of models (it is "),
        (lambda f: (f / "models.json").write_bytes(b"\xff\xfe"), "models.json: not a list of models (it is "),
        (edit(lambda v: v.pop("seed")), "models.json: `seed`: Field required; run `cotrain expo"),
        (edit(lambda v: v.update(code="x")), "`code`: Extra inputs are not permitted"),
        (edit(lambda v: v.update(format=5)), "`format`: Input should be 4"),
        (edit(lambda v: v.update(seed="7")), "`seed`: Input should be a valid integer"),
        (edit(lambda v: v["tasks"][0].update(weights={})), "must have a weight for each role"),
        (edit(lambda v: v["tasks"][0].update(weights={"mine": -1.0})), "greater than or equal to 0"),
        (edit(lambda v: v["tasks"][0].update(scale=0.0)), "`tasks.0.scale`: Input should be great"),
        (edit(lambda v: v["tasks"][0].update(name="weight")), "tasks must have different names"),
        (edit(lambda v: v["tasks"][0].update(name="z")), "must hold tasks of the list, got 'lipo"),
        (edit(lambda v: v["models"][0].update(n_labels=[1])), "must have one number a member"),
        (edit(lambda v: v["models"][0].update(kind="forest")), "cannot be read ("),
        (edit(lambda v: v["models"][0].update(kind="os:system")), "kind must be one of network, co"),
        (edit(lambda v: v["models"][0]["members"].reverse()), "its tasks are others); run `cotrain"),
        (edit(lambda v: v.update(n_features=64)), "known.safetensors: must hold features ("),
        (edit(lambda v: v.update(files={})), "known.safetensors: differs from the file that was"),
        (lambda f: (f / "model-1/more.so").write_bytes(b""), "more.so: is no file that was exported"),
        (flip, "network.safetensors: differs from the file that was exported (its SHA-256 is ano"),
        (lambda f: (f / "model-2/network.safetensors").unlink(), "cannot be read (No such file or"),
        (lambda f: (f / "known.safetensors").write_bytes(b""), "differs from the file that"),
        (rewrite(lambda a: a["bias_0"].fill(np.nan)), "its numbers must be finite"),
        (rewrite(lambda a: a.pop("shift")), "is no such model ('shift'); export it again"),
        (rewrite(lambda a: a.update(weight_0=a["weight_0"][:5])), "is not the model that models.j"),
        (put_a_pickle, "model-1/network.safetensors: cannot be read ("),
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
    assert "| 0.50 | 0.400 | 0.800 (0.700 to 0.900) | ± 1.5 | 91% |" in text
    assert "had 0.24 at the 5 % mark, 0.60 at the median and 0.96 at the 95 % mark" in text
    assert "| 2 | mine (network) | 1 | 3 of 5 | refractivity, weight |" in text
    assert "Each task is predicted better than by its base rate" in text
