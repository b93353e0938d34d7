"""Each broken state is made, found, left alone without consent, and mended with it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from commands import succeed

from cotrain.init import make_study
from cotrain.training import FitResult, Journal


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "study"
    make_study(folder)
    return folder


@pytest.fixture
def study(made, tmp_path, monkeypatch) -> Path:
    for name in ("MLFLOW_TRACKING_URI", "COTRAIN_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "params.yaml").write_bytes((made / "params.yaml").read_bytes())
    return tmp_path


def half_made_database(study: Path) -> Path:
    with closing(sqlite3.connect(study / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE experiments (experiment_id INTEGER)")
    return study / "mlflow.db"


def damaged_database(study: Path) -> Path:
    (study / "mlflow.db").write_bytes(b"not a database" * 100)
    return study / "mlflow.db"


def damaged_entry(study: Path) -> Path:
    key = "ab" * 16
    one = np.ones(1, dtype=np.int64)
    Journal(study / ".cotrain/fits").write(
        key, FitResult(one, one, np.ones((1, 3)), np.ones((1, 3)), 1), 1.0
    )
    path = study / ".cotrain/fits/ab" / f"{key}.npz"
    path.write_bytes(path.read_bytes()[:-5])
    return path


def cut_lock(study: Path) -> Path:
    (study / "dvc.lock").write_text("schema: '2.0'\nstages:\n  fetch: {cmd: [")
    return study / "dvc.lock"


def broken_rwlock(study: Path) -> Path:
    (study / ".dvc/tmp").mkdir(parents=True)
    (study / ".dvc/tmp/rwlock").write_text("")
    return study / ".dvc/tmp/rwlock"


def leftover(study: Path) -> Path:
    (study / "data/fits").mkdir(parents=True)
    (study / "data/fits/.subsets.parquet.x.part").write_text("half")
    return study / "data/fits/.subsets.parquet.x.part"


@pytest.mark.parametrize(
    "make",
    [half_made_database, damaged_database, damaged_entry, cut_lock, broken_rwlock, leftover],
)
def test_what_is_broken_is_mended_after_asking(study, make):
    path = make(study)
    content = path.read_bytes()
    assert f"{path}: " in succeed(study, "doctor")
    assert path.read_bytes() == content
    assert "1 mended" in succeed(study, "doctor", "--yes")
    assert not path.exists()
    assert "nothing is broken" in succeed(study, "doctor")


def test_half_exported_models_are_removed_beside_whole_ones_alone(study):
    half = study / ".models.x.part"
    (half / "new").mkdir(parents=True)
    assert "nothing is broken" in succeed(study, "doctor")
    (study / "models").mkdir()
    assert "1 mended" in succeed(study, "doctor", "--yes")
    assert not half.exists()
    assert (study / "models").is_dir()


def test_a_whole_study_is_left_alone(study):
    (study / "dvc.lock").write_text("schema: '2.0'\n")
    before = sorted(study.rglob("*"))
    assert "nothing is broken" in succeed(study, "doctor")
    assert sorted(study.rglob("*")) == before
