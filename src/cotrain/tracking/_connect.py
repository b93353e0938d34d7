"""Where the tracking store is, and that it can be used: found, created once, errors in one line."""

import logging
import os
import re
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cotrain.exceptions import TrackingError, masked
from cotrain.tracking._sqlite import prepare_sqlite

SWITCH = "COTRAIN_TRACKING"
# MLflow waits minutes for a server that is away, and cuts long values. Set for our calls only, and
# not where the user has set another value.
_CALL_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_TRUNCATE_LONG_VALUES": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",  # at its import, which would undo the quiet below
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines a fit, on a server
}
# They print retries, tracebacks and migrations; the one line of TrackingError says it.
_NOISY_LOGGERS = ("urllib3.connectionpool", "mlflow.store.db.utils", "alembic")
_CONNECT_SECONDS = 5


def tracking_uri(home: Path) -> str:
    """MLFLOW_TRACKING_URI, or the database `mlflow.db` in `home`; SQLite paths made absolute."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    if path := sqlite_path(uri):
        return sqlite_uri(home.resolve() / path)
    return uri


def database_file(home: Path) -> Path | None:
    """The SQLite file that the study in `home` is tracked in; None for any other store."""
    return sqlite_path(tracking_uri(home))


def sqlite_path(uri: str) -> Path | None:
    """The file of an SQLite URI, None for other URIs."""
    plain = re.match(r"sqlite(?:\+\w+)?:///(.+)", uri)
    if plain is None:
        return None
    path: str | None = plain[1]
    if re.search("[%?]", uri):
        # Reads them as MLflow does, and takes a while to import.
        from sqlalchemy.engine import make_url

        path = make_url(uri).database
    return Path(path) if path and path != ":memory:" else None


def sqlite_uri(path: Path) -> str:
    """The URI of an SQLite file, whatever characters its path has."""
    # No more than must be, for MLflow makes a folder of the path as it stands in the URI.
    uri = f"sqlite:///{str(path).replace('%', '%25').replace('?', '%3F')}"
    # SQLAlchemy before 2.1 takes the path as it stands.
    return uri if sqlite_path(uri) == path else f"sqlite:///{path}"


@contextmanager
def tracking_calls(uri: str) -> Iterator[None]:
    """Calls to MLflow inside fail within seconds, in one line, as TrackingError."""
    added = {key: value for key, value in _CALL_ENVIRONMENT.items() if key not in os.environ}
    loggers = [logging.getLogger(name) for name in _NOISY_LOGGERS]
    levels = [logger.level for logger in loggers]
    os.environ.update(added)
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except _failures() as error:
        raise TrackingError(_explain(uri, error)) from error
    finally:
        _remove_stray_folder(uri)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for key in added:
            os.environ.pop(key, None)


def _failures() -> tuple[type[Exception], ...]:
    """What a store may raise; what takes a while to import raises only once it is."""
    found: list[type[Exception]] = [sqlite3.Error, OSError, ModuleNotFoundError]
    late = {
        "mlflow.exceptions": "MlflowException",
        "alembic.util": "CommandError",
        "sqlalchemy.exc": "SQLAlchemyError",
    }
    found += [getattr(sys.modules[at], name) for at, name in late.items() if at in sys.modules]
    return tuple(found)


def prepare_store(uri: str) -> None:
    """Make sure that the store answers; create or upgrade an SQLite file, one process at a time."""
    if path := sqlite_path(uri):
        prepare_sqlite(path)
    elif not uri.startswith(("http://", "https://")):
        _knock(uri)


def _knock(uri: str) -> None:
    """Fail at once where no database server lets us in: MLflow would retry for two minutes."""
    from sqlalchemy import create_engine, make_url

    url = make_url(uri)
    usual = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}.get(url.get_backend_name())
    if usual is None:
        return  # of a plugin of MLflow's, which knows its own way
    if url.host:
        place = (url.host, url.port or usual)
        socket.create_connection(place, timeout=_CONNECT_SECONDS).close()
    engine = create_engine(url)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _remove_stray_folder(uri: str) -> None:
    """Remove the empty folder that MLflow makes where a path is not the same in the URI."""
    path, literal = sqlite_path(uri), Path(uri.removeprefix("sqlite:///"))
    if path and path != literal:
        with suppress(OSError):
            literal.parent.rmdir()


_ADVICE = (
    ("database is locked", "another program writes to it; wait for it or end it, then run again"),
    (
        "already exists|duplicate column|no such (table|column)",
        "it is half made, as a start that was interrupted left it; run `cotrain doctor`",
    ),
    (
        "not a database|malformed",
        "run `cotrain doctor`, which moves it away and fills a new one from the fit tables",
    ),
    ("readonly|unable to open|Permission denied", "make the file and its folder writable"),
    ("disk is full|No space left", "free space and run again"),
    ("Can't locate revision", "it was made by a newer MLflow; install that, or move the file away"),
    ("No module named", "install the database's driver"),
    (
        "authentication|[Aa]ccess denied|does not exist|Unknown database",
        "make the database and its user on the server, or correct MLFLOW_TRACKING_URI",
    ),
    (
        "refused|timed out|Max retries|resolve|not known|unreachable",
        f"start the server, or unset MLFLOW_TRACKING_URI, or set {SWITCH}=off to do without it",
    ),
    ("", "check MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME"),
)


def _explain(uri: str, error: Exception) -> str:
    """One line: the store, what went wrong, what to do."""
    text = masked(" ".join(str(error).split()))
    advice = next(todo for pattern, todo in _ADVICE if re.search(pattern, text))
    reason = text if len(text) <= 160 else f"{text[:157]}..."
    return f"tracking store {uri} cannot be used ({reason}); {advice}"
