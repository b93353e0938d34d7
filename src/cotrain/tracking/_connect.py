"""Where the tracking store is, and that it can be used: found, created once, errors in one line."""

import fcntl
import logging
import os
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import requests
import sqlalchemy
from alembic.util import CommandError
from mlflow.exceptions import MlflowException
from mlflow.store.db import utils as database
from sqlalchemy.engine import make_url

from cotrain.exceptions import TrackingError, masked

SWITCH = "COTRAIN_TRACKING"
# MLflow waits minutes for a server that is away, and cuts long values. Set for our calls only, and
# not where the user has set another value.
_CALL_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_TRUNCATE_LONG_VALUES": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
# They print retries, tracebacks and migrations; the one line of TrackingError says it.
_NOISY_LOGGERS = ("urllib3.connectionpool", "mlflow.store.db.utils", "alembic")
_CONNECT_SECONDS = 5
_LOCKED_SECONDS = 5


def tracking_uri(home: Path) -> str:
    """MLFLOW_TRACKING_URI, or the database `mlflow.db` in `home`; SQLite paths made absolute."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    if path := sqlite_path(uri):
        return f"sqlite:///{(home.resolve() / path)}"
    return uri


def sqlite_path(uri: str) -> Path | None:
    """The file of an SQLite URI, None for other URIs."""
    match = re.fullmatch(r"sqlite(?:\+\w+)?:///(.+)", uri)
    return Path(match.group(1)) if match and match.group(1) != ":memory:" else None


@contextmanager
def tracking_calls(uri: str) -> Iterator[None]:
    """Calls to MLflow inside fail within seconds, in one line, as TrackingError."""
    with ExitStack() as stack:
        stack.enter_context(_environment())
        for name in _NOISY_LOGGERS:
            stack.enter_context(_quiet(logging.getLogger(name)))
        try:
            yield
        except (
            MlflowException,
            CommandError,
            sqlalchemy.exc.SQLAlchemyError,
            requests.RequestException,
            sqlite3.Error,
            OSError,
            ModuleNotFoundError,
        ) as error:
            raise TrackingError(_explain(uri, error)) from error


def prepare_store(uri: str) -> None:
    """Make sure that the store answers; create or upgrade an SQLite file, one process at a time."""
    if path := sqlite_path(uri):
        _prepare_sqlite(uri, path)
    elif not uri.startswith(("http://", "https://")):
        _knock(uri)


def _prepare_sqlite(uri: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _file_lock(path.with_name(f"{path.name}.lock")):
        # SQLite itself is asked first: MLflow's engine retries on any failure for two minutes.
        with closing(sqlite3.connect(path, timeout=_LOCKED_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
        engine = database.create_sqlalchemy_engine(uri)
        try:
            _create_or_upgrade(engine, path)
        finally:
            engine.dispose()


def _create_or_upgrade(engine: sqlalchemy.Engine, path: Path) -> None:
    revision = database._get_schema_version(engine)
    if revision is None:
        database._initialize_tables(engine)
    elif revision != database._get_latest_schema_revision():
        backup = path.with_name(f"{path.name}.{revision}.bak")
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(backup)) as new:
            old.backup(new)
        database._upgrade_db(engine)


def _knock(uri: str) -> None:
    """Fail at once where no database server listens: MLflow would retry for two minutes."""
    url = make_url(uri)
    if url.host:
        port = url.port or {"postgresql": 5432, "mysql": 3306, "mssql": 1433}.get(
            url.get_backend_name(), 0
        )
        if port:
            socket.create_connection((url.host, port), timeout=_CONNECT_SECONDS).close()


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _environment() -> Iterator[None]:
    added = {key: value for key, value in _CALL_ENVIRONMENT.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


_ADVICE = (
    ("database is locked", "another program writes to it; wait for it or end it, then run again"),
    (
        "not a database|malformed",
        "move the file away and run `cotrain restore` to fill a new one from the fit tables",
    ),
    ("readonly|unable to open|Permission denied", "make the file and its folder writable"),
    ("disk is full|No space left", "free space and run again"),
    ("Can't locate revision", "it was made by a newer MLflow; install that, or move the file away"),
    ("No module named", "install the database's driver"),
    (
        "refused|timed out|Max retries|resolve|not known|unreachable",
        f"start the server, or unset MLFLOW_TRACKING_URI, or set {SWITCH}=off to do without it",
    ),
)


def _explain(uri: str, error: Exception) -> str:
    """One line: the store, what went wrong, what to do."""
    text = masked(" ".join(str(error).split()))
    advice = next(
        (todo for pattern, todo in _ADVICE if re.search(pattern, text)),
        "check MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME",
    )
    reason = text if len(text) <= 160 else f"{text[:157]}..."
    return f"tracking store {uri} cannot be used ({reason}); {advice}"
