"""Each broken state is made, found, left alone without consent, and mended with it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from commands import complaint, cotrain, succeed

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


def cut_search(study: Path) -> Path:
    (study / ".cotrain").mkdir()
    (study / ".cotrain/groupings.log").write_text('{"op_code":0}\n{"op_co\n{"op_code":1}\n')
    return study / ".cotrain/groupings.log"


def leftover(study: Path) -> Path:
    (study / "data/fits").mkdir(parents=True)
    (study / "data/fits/.subsets.parquet.x.part").write_text("half")
    return study / "data/fits/.subsets.parquet.x.part"


@pytest.mark.parametrize(
    "make",
    [
        half_made_database,
        damaged_database,
        damaged_entry,
        cut_search,
        cut_lock,
        broken_rwlock,
        leftover,
    ],
)
def test_what_is_broken_is_mended_after_asking(study, make):
    path = make(study)
    content = path.read_bytes()
    assert f"{path}: " in succeed(study, "doctor")
    assert path.read_bytes() == content
    assert "1 mended" in succeed(study, "doctor", "--yes")
    assert not path.exists()
    assert "nothing is broken" in succeed(study, "doctor")


@pytest.mark.parametrize("make", [damaged_entry, cut_search])
def test_a_folder_in_a_file_s_place_is_removed(study, make):
    path = make(study)
    path.unlink()
    (path / "of").mkdir(parents=True)
    assert f"{path}: damaged" in succeed(study, "doctor", "--yes")
    assert not path.exists()


def test_a_damaged_database_is_found_without_tracking_too(study, monkeypatch):
    path = damaged_database(study)
    monkeypatch.setenv("COTRAIN_TRACKING", "off")
    assert f"{path}: half made or damaged" in succeed(study, "doctor")


def test_restore_without_tracking_is_refused_and_opens_nothing(study, monkeypatch):
    (study / "data/fits").mkdir(parents=True)
    (study / "data/fits/subsets.parquet").write_text("not looked at")
    monkeypatch.setenv("COTRAIN_TRACKING", "off")
    assert "COTRAIN_TRACKING=off does without MLflow" in complaint(cotrain(study, "restore"))
    assert not (study / "mlflow.db").exists()


@pytest.mark.parametrize("kept", ["new", "old"])
def test_half_exported_models_are_removed_and_those_before_put_back(study, kept):
    half = study / ".models.x.part"
    (half / kept).mkdir(parents=True)
    (half / kept / "models.json").write_text(kept)
    assert "1 mended" in succeed(study, "doctor", "--yes")
    assert (study / "models/models.json").exists() == (kept == "old")
    assert "nothing is broken" in succeed(study, "doctor")


def test_the_next_command_removes_what_a_killed_one_left_half_written(study):
    parts = [leftover(study), study / ".cotrain/fits/ab/.abc.npz.x.part"]
    parts[1].parent.mkdir(parents=True)
    parts[1].write_text("half")
    assert "run `cotrain analyze`" in complaint(cotrain(study, "report"))
    assert [part for part in parts if part.exists()] == []


def test_a_whole_study_is_left_alone(study):
    (study / "dvc.lock").write_text("schema: '2.0'\n")
    before = sorted(study.rglob("*"))
    assert "nothing is broken" in succeed(study, "doctor")
    assert sorted(study.rglob("*")) == before
