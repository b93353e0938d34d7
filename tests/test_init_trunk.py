"""A study of images on a trunk of the user's own, from `cotrain init` on."""

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import small_trunks
from commands import complaint, cotrain, succeed
from ruamel.yaml import YAML

from cotrain.gradients import load_records
from cotrain.settings import load_settings

TRUNK = (
    "from torch import nn\n\n\n"
    + inspect.getsource(small_trunks.picture)
    + "\n\n"
    + inspect.getsource(small_trunks.of_wrong_shape)
)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images, their table and a trunk."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (120, 6, 6), dtype=np.uint8)
    np.savez(folder / "images.npz", images=images)
    halves = {"left": images[:, :, :3], "right": images[:, :, 3:], "all": images}
    bright = {name: part.mean(axis=(1, 2)) for name, part in halves.items()}
    table = pd.DataFrame(
        {name: (mean > np.median(mean)).astype(int) for name, mean in bright.items()}
    )
    table.assign(fold=np.arange(120) % 5).to_csv(folder / "table.csv", index=False)
    (folder / "trunk.py").write_text(TRUNK)
    return folder


def options(given: Path, trunk: str) -> list[str]:
    return [
        *("--csv", str(given / "table.csv"), "--features", f"images:{given / 'images.npz'}"),
        *("--split", "fold", "--trunk", f"{given}/{trunk}"),
    ]


def test_a_trunk_takes_the_networks_place_and_its_affinities_are_recorded(given, tmp_path):
    study = tmp_path / "study"
    succeed(Path(), "init", str(study), *options(given, "trunk.py:picture"))
    yaml = YAML(typ="safe")
    params = yaml.load((study / "params.yaml").read_text())
    own = {"kind": "module", "trunk": "trunk:picture"}
    assert params["learners"]["own"].items() >= own.items()
    assert (params["plan"]["learner"], params["plan"]["rotate"]) == ("own", True)
    assert "network" not in params["learners"]
    stages = yaml.load((study / "dvc.yaml").read_text())["stages"]
    after = {name for name, stage in stages.items() if "trunk.py" in stage["deps"]}
    assert after == {"tune", "plan", "train", "affinity", "validate"}
    for stage in ("fetch", "prepare", "tune", "plan", "affinity"):
        succeed(study, stage)
    (record,) = load_records(study / "data" / "affinity")
    assert np.isfinite(record.affinity[~np.eye(3, dtype=bool)]).all()


@pytest.mark.parametrize(
    ("minutes", "subsets", "repeats", "refit"), [(1000, 3, 2, True), (0, 2, 1, False)]
)
def test_the_plan_is_as_large_as_the_time_of_its_fits_lets_it_be(
    given, tmp_path, monkeypatch, minutes, subsets, repeats, refit
):
    monkeypatch.setattr("cotrain.init._trunk._MINUTES", minutes)
    monkeypatch.setattr(
        "cotrain.init._trunk._SAVINGS",
        [("plan.subsets.n_subsets", 2), ("plan.placebo.repeats", 1), ("validate.refit", False)],
    )
    said = succeed(Path(), "init", str(tmp_path / "study"), *options(given, "trunk.py:picture"))
    settings = load_settings(tmp_path / "study" / "params.yaml")
    assert settings.plan.subsets.n_subsets == subsets
    assert (settings.plan.placebo.repeats, settings.validate_.refit) == (repeats, refit)
    assert "training will take about 1 min by 2 workers" in said
    assert ("less is planned by `plan.subsets.n_subsets`" in said) == (minutes == 0)


def test_a_trunk_that_does_not_fit_the_images_is_told_and_nothing_made(given, tmp_path):
    study = tmp_path / "study"
    line = complaint(
        cotrain(Path(), "init", str(study), *options(given, "trunk.py:of_wrong_shape"))
    )
    assert "trunk `trunk:of_wrong_shape`: TypeError: must map (2, 1, 6, 6) to (2, n_units)" in line
    assert not (study / "params.yaml").exists()


@pytest.mark.parametrize(
    ("trunk", "message"),
    [
        ("trunk.py", "must be like trunk.py:factory"),
        ("missing.py:picture", "missing.py: cannot be read"),
        ("trunk.py:lost", "has no `lost`, but nn, of_wrong_shape, picture"),
    ],
)
def test_a_trunk_that_is_not_there_is_told_and_nothing_made(given, tmp_path, trunk, message):
    line = complaint(cotrain(Path(), "init", str(tmp_path / "new"), *options(given, trunk)))
    assert message in line
    assert not (tmp_path / "new").exists()
