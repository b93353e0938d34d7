import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy
from alembic.script import ScriptDirectory
from mlflow.store.db import utils as database

from cotrain.exceptions import TrackingError
from cotrain.tracking import RunContext, Tracker
from cotrain.tracking._connect import prepare_store, tracking_calls
from cotrain.tracking._server import _environment
from cotrain.tracking._sql import SqlStore
from cotrain.tracking._store import make_client


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_database_lies_in_the_study_whatever_the_current_folder(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Tracker.open(home).uri == f"sqlite:///{home}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    assert Tracker.open(home).uri == f"sqlite:///{home}/mlflow.db"
    assert not (tmp_path / "mlflow.db").exists()
    assert not (tmp_path / "mlruns").exists()


def test_experiment_is_named_after_the_folder_or_the_environment(home, monkeypatch):
    assert Tracker.open(home).experiment == "study"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "other")
    other = Tracker.open(home)
    assert other.experiment == "other"
    assert other._client.get_experiment(other.experiment_id).name == "other"


def test_an_experiment_is_as_mlflow_makes_it(home, template, tmp_path, monkeypatch):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    shutil.copy(template, theirs / "mlflow.db")
    monkeypatch.chdir(theirs)  # where MLflow puts what is of `Default`
    place = (theirs / "mlartifacts").as_uri()
    make_client(f"sqlite:///{theirs}/mlflow.db").create_experiment("study", place)
    Tracker.open(home)

    def rows(folder: Path) -> list[tuple]:
        with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
            found = pd.read_sql("SELECT * FROM experiments ORDER BY 1", connection)
        assert (found["creation_time"] == found["last_update_time"]).all()
        assert found.pop("creation_time").gt(1.7e12).all()
        found["artifact_location"] = found["artifact_location"].str.replace(str(folder), "HOME")
        return found.drop(columns="last_update_time").to_dict("records")

    assert rows(home) == rows(theirs)
    assert len(rows(home)) == 2


def test_a_long_name_of_an_experiment_is_told(home, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "x" * 501)
    with pytest.raises(TrackingError, match="has 501 characters; MLflow takes 500 at most"):
        Tracker.open(home)


def test_experiments_do_not_see_each_other(home, make_fits, run, monkeypatch):
    Tracker.open(home).log_fits(make_fits(2), run)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "other")
    assert Tracker.open(home).fit_scores().empty


def test_new_database_is_in_wal_mode(tmp_path):
    Tracker.open(tmp_path)
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_environment_is_left_as_it_was(tracker, make_fits, run):
    before = dict(os.environ)
    tracker.log_fits(make_fits(1), run)
    assert dict(os.environ) == before


@pytest.mark.parametrize("uri", ["http://127.0.0.1:{}", "postgresql://u:secret@127.0.0.1:{}/db"])
def test_server_away_is_one_line_within_seconds(home, monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(closed_port()))
    start = time.monotonic()
    with pytest.raises(TrackingError, match="start the server, or unset MLFLOW_TRACKING_URI") as e:
        Tracker.open(home)
    assert time.monotonic() - start < 30  # MLflow's own retries take minutes
    assert "\n" not in str(e.value)
    assert "secret" not in str(e.value)


def test_a_store_of_a_plugin_is_left_to_mlflow(monkeypatch):
    monkeypatch.setattr(sqlalchemy, "create_engine", lambda _url: pytest.fail("not a database"))
    prepare_store("databricks://profile")


def test_a_database_server_that_refuses_us_is_asked_once(monkeypatch):
    asked = []

    class Refusing:
        def connect(self):
            asked.append("connect")
            message = 'FATAL: password authentication failed for user "me"'
            raise sqlalchemy.exc.OperationalError(None, None, sqlite3.OperationalError(message))

        def dispose(self):
            asked.append("dispose")

    monkeypatch.setattr(sqlalchemy, "create_engine", lambda _url: Refusing())
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        uri = f"postgresql://me:secret@127.0.0.1:{server.getsockname()[1]}/runs"
        told = pytest.raises(TrackingError, match="password.*; make the database and its user")
        with told as error, tracking_calls(uri):
            prepare_store(uri)
    assert asked == ["connect", "dispose"]  # MLflow's own attempts take two minutes
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("uri", ["nonsense://x", "nonsense", "http://"])
def test_bad_uri_is_one_line(home, monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError, match="cannot be used") as e:
        Tracker.open(home)
    assert "\n" not in str(e.value)


def test_file_that_is_no_database_is_left_alone(tmp_path):
    file = tmp_path / "mlflow.db"
    file.write_text("not a database at all" * 100)
    with pytest.raises(TrackingError, match=r"mlflow\.db .*cotrain doctor`, which moves it away"):
        Tracker.open(tmp_path)
    assert file.read_text() == "not a database at all" * 100


def test_locked_database_is_one_line(home, monkeypatch):
    monkeypatch.setattr("cotrain.tracking._sqlite._LOCKED_SECONDS", 0.1)
    with sqlite3.connect(home / "mlflow.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TrackingError, match="another program writes to it"):
            Tracker.open(home)
        other.rollback()


def test_database_of_a_newer_mlflow_is_refused(home):
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        connection.commit()
    with pytest.raises(TrackingError, match="newer MLflow"):
        Tracker.open(home)


def test_folder_in_the_way_is_one_line(tmp_path):
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(TrackingError, match="make the file and its folder writable"):
        Tracker.open(tmp_path)


def test_deleted_experiment_says_how_to_restore_it(home):
    tracker = Tracker.open(home)
    tracker._client.delete_experiment(tracker.experiment_id)
    with pytest.raises(TrackingError, match="mlflow experiments restore"):
        Tracker.open(home)


def test_error_in_the_middle_of_a_batch_leaves_nothing(home, make_fits, run):
    tracker = Tracker.open(home)
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON latest_metrics "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
    with pytest.raises(TrackingError, match="free space"):
        tracker.log_fits(make_fits(3), run)
    assert Tracker.open(home).fit_scores().empty
    assert list(tracker._client.search_runs([tracker.experiment_id])) == []


@pytest.mark.parametrize("name", ["50%20x", "a?b=c", "a#b", "it's µ"])
def test_a_folder_may_have_any_name(template, tmp_path, make_fits, run, name):
    home = tmp_path / name
    home.mkdir()
    shutil.copy(template, home / "mlflow.db")
    (home / "found.txt").write_text("found")
    tracker = Tracker.open(home)
    assert tracker.log_fits(make_fits(2), run) == 2
    tracker.log_summary("subsets", {}, {}, [home / "found.txt"])
    assert set(Tracker.open(home).fit_scores()["fit_id"]) == set(make_fits(2)["fit_id"])
    assert list(home.glob("mlartifacts/*/artifacts/found.txt"))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert _environment(tracker.uri)["MLFLOW_BACKEND_STORE_URI"] == tracker.uri


# Makes a database in the way named, and is killed at the n-th statement or at one that begins so.
MAKING = """
import os, signal, sys
from pathlib import Path
import sqlalchemy
from mlflow.store.db import utils as database
from cotrain.tracking import Tracker
home, way, last = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
os.environ["HOME"] = os.environ["XDG_CACHE_HOME"] = f"{home}-cache"
count = 0
@sqlalchemy.event.listens_for(sqlalchemy.Engine, "before_cursor_execute")
def stop(connection, cursor, statement, *_):
    global count
    count += 1
    if str(count) == last or statement.startswith(last):
        os.kill(os.getpid(), signal.SIGKILL)
if way == "beside":
    Tracker.open(home)
else:
    database._initialize_tables(database.create_sqlalchemy_engine(f"sqlite:///{home}/mlflow.db"))
print(count)
"""


def killed_at(home: Path, way: str, statement: object) -> None:
    command = [sys.executable, "-c", MAKING, str(home), way, str(statement)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9


@pytest.mark.slow
def test_a_first_start_can_be_killed_at_any_moment(tmp_path, make_fits, run):
    command = [sys.executable, "-c", MAKING, str(tmp_path / "counted"), "beside", "none"]
    n_statements = int(subprocess.run(command, capture_output=True, check=True).stdout)
    home = tmp_path / "study"
    home.mkdir()
    for statement in np.random.default_rng(0).integers(1, n_statements, 3):
        killed_at(home, "beside", int(statement))
        assert not (home / "mlflow.db").exists() or statement > n_statements - 30
    assert Tracker.open(home).log_fits(make_fits(2), run) == 2
    assert not list(home.glob(".mlflow.db*"))


OPENING = """
import sys
from pathlib import Path
from cotrain.tracking import Tracker
Tracker.open(Path(sys.argv[1]))
print("mlflow" in sys.modules)
"""


def imports_mlflow(home: Path, cache: Path) -> bool:
    command = [sys.executable, "-c", OPENING, str(home)]
    place = {"HOME": str(cache), "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(
        command, capture_output=True, check=True, text=True, env=os.environ | place
    )
    return done.stdout.strip() == "True"


@pytest.mark.slow
def test_a_copy_of_the_empty_database_is_kept_for_the_next_study(tmp_path):
    cache = tmp_path / "cache"
    assert imports_mlflow(tmp_path / "first", cache)
    (kept,) = cache.rglob("mlflow-*.db")
    assert not imports_mlflow(tmp_path / "second", cache)
    kept.write_bytes(kept.read_bytes()[:100_000])
    assert imports_mlflow(tmp_path / "third", cache)  # the damaged one is of no use
    assert not imports_mlflow(tmp_path / "third", cache)
    schemas = []
    for name in ("first", "second"):
        with closing(sqlite3.connect(tmp_path / name / "mlflow.db")) as connection:
            schemas.append(
                connection.execute("SELECT sql FROM sqlite_master ORDER BY 1").fetchall()
            )
    assert schemas[0] == schemas[1]


@pytest.mark.slow
def test_a_home_that_cannot_be_written_to_keeps_nothing(tmp_path):
    (tmp_path / "cache").write_text("a file, where a folder would be made")
    assert imports_mlflow(tmp_path / "study", tmp_path / "cache")
    assert not imports_mlflow(tmp_path / "study", tmp_path / "cache")


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement", ["INSERT INTO alembic_version", "INSERT INTO _alembic_tmp_tags"]
)
def test_a_database_half_made_by_an_earlier_version_is_told(tmp_path, statement):
    killed_at(tmp_path, "in place", statement)
    before = (tmp_path / "mlflow.db").read_bytes()
    with pytest.raises(TrackingError, match="it is half made.*run `cotrain doctor`"):
        Tracker.open(tmp_path)
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_a_failed_upgrade_leaves_the_database_alone(home):
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE mine (value)")
        (newest,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    before = (home / "mlflow.db").read_bytes()
    scripts = ScriptDirectory.from_config(database._get_alembic_config(""))
    older = scripts.get_revision(newest).down_revision
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (older,))
        connection.commit()
    with pytest.raises(TrackingError, match="half made"):
        Tracker.open(home)  # its tables are newer than it says
    assert (home / "mlflow.db").stat().st_size == len(before)
    assert not list(home.glob("*.bak"))


OPEN = "import sys; from pathlib import Path; from cotrain.tracking import Tracker; "
OPEN += "print(Tracker.open(Path(sys.argv[1])).experiment_id)"


@pytest.mark.slow
def test_two_processes_open_a_new_database_at_once(tmp_path):
    command = [sys.executable, "-c", OPEN, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0] == outputs[1]


@pytest.fixture
def server(home):
    """A real `mlflow server` on loopback."""
    port = closed_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{home}/mlflow.db"]
    command += ["--artifacts-destination", str(home / "served")]
    lean = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, env=os.environ | lean, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


@pytest.mark.slow
def test_a_real_server_holds_the_same(server, tmp_path, make_fits, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    run = RunContext("d" * 32, params={"model.hidden": [256]})
    tracker = Tracker.open(tmp_path)
    assert not isinstance(tracker._store, SqlStore)
    rows = make_fits(4, ("a/b", "µ", "c"))
    assert tracker.log_fits(rows, run) == 4
    assert tracker.sync(rows, run) == 0
    tracker.log_failures(make_fits(1, seed=5).head(1).assign(reason="boom"), run)
    assert set(tracker.fit_scores()["fit_id"]) == set(rows["fit_id"])
    report = tmp_path / "report.html"
    report.write_text("<p>found</p>")
    tracker.log_summary("subsets", {}, {"mean": 0.5}, [report])
    tracker.prepare_dashboard(rows)
    said = capfd.readouterr()
    assert said.out + said.err == ""  # MLflow would print two lines a run, and drown the progress
    columns = ["fit_id", "kind", "task", "n_labels", "val_log_loss", "val_auroc"]
    pd.testing.assert_frame_equal(
        tracker.fit_scores()[columns],
        rows[columns].sort_values(["fit_id", "task"], ignore_index=True),
        check_exact=True,
        check_dtype=False,
    )
