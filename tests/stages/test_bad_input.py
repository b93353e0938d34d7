"""A user's mistake ends in exit code 2 and one line: file, row or key, and what to do."""

import errno
import importlib
import os
import py_compile
from pathlib import Path

import pytest
from commands import complaint, cotrain, succeed
from small_study import SMALL, change_params

from cotrain.exceptions import SettingsError
from cotrain.init import make_study

GOOD = "smiles,a,b,c,d\nC,1,0,1,0\nCC,0,1,0,1\nCCC,1,1,0,0\nCCCC,0,0,1,1\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a study on the file mine.csv beside it."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "mine.csv").write_text(GOOD)
    make_study(folder / "study", folder / "mine.csv")
    return folder / "study" / "params.yaml"


@pytest.fixture
def study(template: Path, tmp_path: Path) -> Path:
    """A study of which there is no more than params.yaml and the file."""
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "params.yaml").write_bytes(template.read_bytes())
    (tmp_path / "mine.csv").write_text(GOOD)
    return folder


def refused(study: Path, *stage: str) -> str:
    """The line that a stage says, which must leave the study's folder as it was."""
    before = sorted(study.rglob("*"))
    line = complaint(cotrain(study, *stage))
    assert sorted(study.rglob("*")) == before
    return line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.csv: the file is empty; it needs a header and rows"),
        ("smiles,a,b,c,d\n", "mine.csv: no row below the header; it needs measurements"),
        (GOOD.replace(",b,", ",bb,"), "mine.csv: no column `b`, which `fetch.tasks` names"),
        (GOOD.replace(",b,", ",a,"), "mine.csv: the column `a` stands twice in the header; rename"),
        ("smiles,a,b,c,d\nC,,,,\nCC,,,,\n", "the source holds no measurement; check `fetch`"),
        (
            GOOD.replace("CC,0", "CC,maybe"),
            "mine.csv, row 3, column `a`: 'maybe' is not a number; not numbers are 'maybe' (2): for",
        ),
        (GOOD.replace("CC,0", "CC,inf"), "mine.csv, row 3, column `a`: 'inf' is not a number"),
        (GOOD + "CO,1,0,1,0,1,1\n", "mine.csv: not valid CSV"),
        (GOOD + "CO,1,0\n", "mine.csv, row 6: 3 cells where the header has 5, so"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_fetch_names_what_is_wrong_with_the_file(study, text, message):
    (study.parent / "mine.csv").write_text(text)
    assert message in refused(study, "fetch")


def test_fetch_names_a_file_that_is_not_there(study):
    (study.parent / "mine.csv").unlink()
    assert "mine.csv: cannot be read (No such file or directory)" in refused(study, "fetch")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "smiles,a,b,c,d\nnot,1,0,1,0\nmolecules,0,1,0,1\n",
            "mine.csv: 2 of 2 records cannot be used, the first in row 2 (SMILES cannot be parsed);",
        ),
        ("smiles,a,b,c,d\n,1,0,1,0\n,0,1,0,1\n", "the first in row 2 (no SMILES)"),
        (GOOD.replace("smiles,", "mol,"), "no column `smiles`, which `prepare.features.column`"),
        (
            "smiles,a,b,c,d\nC,1,0,1,0\nCC,1,0,1,0\n",
            "no task is left to learn (`a`: all labels (2) are positive in the data, ",
        ),
        (GOOD.replace("CC,0", "CC,3"), "mine.csv, row 3, task `a`: 3 is neither 0 nor 1; correct"),
        (GOOD[: GOOD.rindex("CCCC")], "`prepare.n_folds`"),
    ],
    ids=["no molecule", "no SMILES", "no column", "one class", "no class", "too few rows"],
)
def test_prepare_names_what_cannot_be_learned(study, text, message):
    (study.parent / "mine.csv").write_text(text)
    succeed(study, "fetch")
    assert message in refused(study, "prepare")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"learners.network.epoch": 3},
            "`learners.network.epoch` is not a setting (did you mean `epochs`?); remove or",
        ),
        ({"learner": {}}, "`learner` is not a setting (did you mean `learners`?)"),
        (
            {"learners.network.epochs": "many"},
            "`learners.network.epochs` must be a valid integer, got 'many'",
        ),
        (
            {"learners.network.dropout": 1.5},
            "`learners.network.dropout` must be less than 1, got 1.5",
        ),
        ({"fetch.kind": "excel"}, "`fetch`: kind must be one of moleculeace, table, kiba"),
        ({"fetch": {"path": "x"}}, "`fetch`: needs a `kind`: one of moleculeace"),
        ({"fetch.layout": "long"}, "`fetch`: the long layout needs `task` and `value`"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_settings_are_checked_before_anything_is_done(study, changes, message):
    change_params(study, changes)
    for stage in ("fetch", "prepare", "plan", "analyze"):
        line = refused(study, stage)
        assert line.startswith(f"cotrain: {study / 'params.yaml'}: ")
        assert message in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold the sections fetch, prepare, learners"),
        ("model: [", "not valid YAML"),
        ("model: 1\nmodel: 2\n", "not valid YAML"),
        ("1: 2\n", "`1` is not a setting; remove or correct it"),
    ],
    ids=["empty", "not YAML", "twice", "a number"],
)
def test_params_that_cannot_be_read(study, text, message):
    (study / "params.yaml").write_text(text)
    assert message in refused(study, "fetch")


@pytest.mark.parametrize(
    ("stage", "first"),
    [
        ("prepare", "fetch"),
        ("plan", "prepare"),
        ("train subsets", "prepare"),
        ("affinity", "prepare"),
        ("analyze", "prepare"),
        ("group", "analyze"),
        ("validate", "prepare"),
    ],
)
def test_a_stage_names_the_stage_that_must_run_before(study, stage, first):
    assert f"run `cotrain {first}` first" in refused(study, *stage.split())


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "study"
    make_study(folder)
    change_params(folder, SMALL | {"fetch.n_examples": 600})
    for stage in ("fetch", "prepare", "plan"):
        succeed(folder, stage)
    return folder


class TestAPreparedStudy:
    """What can go wrong between a task table and its fits."""

    @pytest.fixture
    def study(self, prepared, tmp_path) -> Path:
        folder = tmp_path / "study"
        (folder / "data").mkdir(parents=True)
        for name in ("params.yaml", "data/raw", "data/tasks.npz", "data/plans"):
            (folder / name).symlink_to(prepared / name)
        return folder

    @pytest.mark.parametrize(
        "uri", ["http://127.0.0.1:9", "postgresql://127.0.0.1:9/runs"], ids=["server", "database"]
    )
    def test_a_tracking_server_that_is_away(self, study, monkeypatch, uri):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        line = refused(study, "train", "subsets")
        assert f"tracking store {uri} cannot be used" in line
        assert "start the server, or unset MLFLOW_TRACKING_URI" in line

    def test_a_tracking_database_that_is_none(self, study):
        (study / "mlflow.db").write_text("not a database" * 100)
        line = complaint(cotrain(study, "train", "subsets"))
        assert "run `cotrain doctor`, which moves it away" in line
        assert not (study / "data" / "fits").exists()

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"plan.augmentations.levels": [3]}, "`plan.augmentations.levels` must leave a"),
            (
                {"learners.alike": {"kind": "kernel", "max_examples": 100}},
                "`learners.alike` trains on at most 100 examples, and all tasks together",
            ),
            (
                {"learners.alike": {"kind": "kernel", "share": 0, "max_examples": 10}},
                "`learners.alike` trains on at most 10 examples, and a task has up to",
            ),
            ({"plan.subset_level": 4}, "`plan.subset_level` must be at most `plan.train_folds`"),
            ({"analyze.score": "mse"}, "`analyze.score` is mse, which the task `task_0` and 8"),
            ({"analyze.curve_score": "r2"}, "choose auroc or aupr or d2"),
            (
                {"group.caution": 1.0, "plan.subsets.repeats": 1},
                "`group.caution` takes off standard errors, which one repeat does not tell",
            ),
            ({"group.weights": {"nothing": 2.0}}, "`group.weights` names the task `nothing`"),
            ({"group.must_share": [["x", "y"]]}, "`group.must_share` names the task `x`"),
            ({"group.min_size": 10}, "`group.min_size` must be at most the number of tasks, 9"),
            ({"group.max_size": 2}, "`group.max_groups` must be at least 5 with"),
            ({"train.max_hours": 1e-6}, "more than the 1e-06 of `train.max_hours`"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
    )
    def test_settings_that_do_not_suit_the_tasks(self, study, changes, message):
        """Told by `plan`, before anything is trained, and by `check`, which writes nothing."""
        self.own_params(study, changes)
        for stage in ("plan", "check"):
            assert message in refused(study, stage)

    @pytest.mark.parametrize(
        ("found", "message"),
        [
            (True, "`learners.graphs` needs molecules, and the examples are none"),
            (None, "`learners.graphs`: `chemprop` is not installed; run `pip install 'cotrain[ch"),
        ],
    )
    def test_a_learner_of_molecules_that_has_none_or_no_package(
        self, study, monkeypatch, found, message
    ):
        monkeypatch.setattr("cotrain.training.network._chemprop.find_spec", lambda _: found)
        self.own_params(study, {"learners.graphs": {"kind": "chemprop"}})
        assert message in refused(study, "plan")

    def test_check_says_what_would_be_done(self, study):
        before = sorted(study.rglob("*"))
        said = succeed(study, "check")
        assert "9 tasks" in said
        assert "subsets: " in said
        assert "the settings suit the data" in said
        assert sorted(study.rglob("*")) == before

    def test_all_subsets_are_trained_where_there_are_fewer_than_asked_for(self, study):
        self.own_params(study, {"plan.subsets.max_size": 2, "plan.subsets.n_subsets": 37})
        (study / "data" / "plans").unlink()
        said = succeed(study, "plan")
        assert "9 tasks have 36 subsets of 2 to 2, so all are trained, not 37" in said

    def test_a_task_table_that_is_damaged(self, study):
        (study / "data" / "tasks.npz").unlink()
        (study / "data" / "tasks.npz").write_bytes(b"PK\x03\x04 and no more")
        assert str(study / "data" / "tasks.npz") in refused(study, "plan")

    @pytest.mark.parametrize(
        ("stage", "blocked"),
        [
            ("fetch", "data"),
            ("prepare", "data/prepared"),
            ("plan", "data/plans"),
            ("train subsets", ".cotrain"),
        ],
    )
    def test_a_folder_that_cannot_be_written_to(self, prepared, tmp_path, stage, blocked):
        study = tmp_path / "study"
        (study / "data").mkdir(parents=True)
        (study / "params.yaml").symlink_to(prepared / "params.yaml")
        for name in ("raw", "tasks.npz", "plans"):
            if f"data/{name}" != blocked:
                (study / "data" / name).symlink_to(prepared / "data" / name)
        if blocked == "data":
            for path in (study / "data").iterdir():
                path.unlink()
            (study / "data").rmdir()
        # A file where a folder must be stops even those who may write everywhere.
        (study / blocked).write_text("")
        line = complaint(cotrain(study, *stage.split()))
        assert blocked in line
        assert "cannot be written" in line
        assert (study / blocked).read_text() == ""
        assert not (study / "data" / "fits").exists()

    def own_params(self, study: Path, changes: dict) -> None:
        text = (study / "params.yaml").read_bytes()
        (study / "params.yaml").unlink()
        (study / "params.yaml").write_bytes(text)
        change_params(study, changes)


def test_no_mistake_is_told_as_a_bug(study, monkeypatch):
    """What is not the user's mistake keeps its traceback."""
    monkeypatch.setattr("cotrain.stages.fetch.run", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cotrain(study, "fetch")
    monkeypatch.setattr("cotrain.stages.fetch.run", _mistake)
    assert refused(study, "fetch") == "cotrain: params.yaml: wrong; mend it"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOSPC, "No space left on device; free space"),
        (errno.EACCES, "Permission denied; allow it, or name another place"),
        (errno.EROFS, "Read-only file system; allow it"),
        (errno.ENAMETOOLONG, "File name too long; choose a shorter name"),
    ],
)
def test_what_a_disk_refuses_is_one_line_whoever_asked(study, monkeypatch, code, message):
    def fail(_: object) -> None:
        raise OSError(code, os.strerror(code), "data/raw")

    monkeypatch.setattr("cotrain.stages.fetch.run", fail)
    assert f"data/raw: {message}" in refused(study, "fetch")


def test_a_port_that_there_is_not_is_told_before_a_server_starts(study):
    done = cotrain(study, "ui", "--port", "99999999")
    assert (done.code, "not in the range 1<=x<=65535" in done.err) == (2, True)


def test_a_module_that_a_full_disk_cut_off_is_compiled_anew(study, tmp_path, monkeypatch):
    (tmp_path / "cut_off.py").write_text(f"VALUES = {list(range(99))}\n")
    compiled = Path(py_compile.compile(str(tmp_path / "cut_off.py")))
    whole = compiled.read_bytes()
    compiled.write_bytes(whole[: len(whole) // 2])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        "cotrain.stages.fetch.run", lambda _: str(importlib.import_module("cut_off").VALUES[98])
    )
    assert succeed(study, "fetch").strip() == "98"
    assert not compiled.exists() or compiled.read_bytes() == whole


def test_an_end_of_file_is_not_taken_for_the_users_wish_to_stop(study, monkeypatch):
    def ended(_: object) -> None:
        raise EOFError("a bug")

    monkeypatch.setattr("cotrain.stages.fetch.run", ended)
    with pytest.raises(EOFError, match="a bug"):
        cotrain(study, "fetch")


def _mistake(_: object) -> None:
    raise SettingsError("params.yaml: wrong; mend it")
