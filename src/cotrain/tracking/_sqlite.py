"""The SQLite file that MLflow keeps runs in: made and upgraded beside, then renamed in."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

from cotrain.files import whole_file
from cotrain.imports import importing

_LOCKED_SECONDS = 5


def prepare_sqlite(path: Path) -> None:
    """Make sure that `path` is MLflow's database of the newest schema, one process at a time.

    MLflow's migrations are no transaction: a kill in the middle leaves a schema that none goes on
    from. So they run in a file beside. An older database is kept as `<name>.<revision>.bak`.

    Raises
    ------
    OSError, sqlite3.Error, sqlalchemy.exc.SQLAlchemyError, CommandError
        If the file is locked, cannot be written, or is none of MLflow's.
    """
    path = path.resolve()  # not to put a file in the place of a link
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    with _file_lock(lock):
        for stale in path.parent.glob(f".{path.name}.*.part*"):
            stale.unlink()
        revision = _revision(path) if path.exists() else None
        if revision is None:
            _renew(path, None)
            _newest_revision(lock)  # noted while MLflow is imported: the next command does without
        elif revision != _newest_revision(lock):
            _renew(path, path.with_name(f"{path.name}.{revision}.bak"))
        with closing(_connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer


def _newest_revision(lock: Path) -> str:
    """The newest schema of the installed MLflow; noted in `lock`, for the import takes seconds."""
    head = f"mlflow {version('mlflow')} "
    noted = lock.read_text(encoding="utf-8")
    if noted.startswith(head):
        return noted.removeprefix(head)
    from mlflow.store.db import utils as database

    newest = database._get_latest_schema_revision()
    lock.write_text(head + newest, encoding="utf-8")
    return newest


def _revision(path: Path) -> str | None:
    """The schema's revision; None for a file without tables."""
    # SQLite itself is asked first: MLflow's engine retries on any failure for two minutes.
    with closing(_connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()
        (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not n_tables:
            return None
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if found is None:
            raise sqlite3.OperationalError("no such table: its schema has no revision")
    return str(found[0])


def _renew(path: Path, backup: Path | None) -> None:
    """Put a new database in the place of `path`, or, with a backup, an upgraded copy of it."""
    with importing():
        import sqlalchemy
        from mlflow.store.db import utils as database

    if path.exists():
        # Without its log, which SQLite would play into the new file. Fails while others read it.
        with closing(_connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    with whole_file(path) as part:
        if backup is not None:
            shutil.copyfile(path, part)
        engine = sqlalchemy.create_engine("sqlite://", creator=lambda: _unsynced(part))
        try:
            if backup is None:
                database._initialize_tables(engine)
            else:
                database._upgrade_db(engine)
        finally:
            engine.dispose()
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if backup is not None:
            with whole_file(backup) as copy:
                shutil.copyfile(path, copy)


def _unsynced(path: Path) -> sqlite3.Connection:
    # Until it is renamed in, a file that a failing machine would spoil is worth nothing.
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_LOCKED_SECONDS)


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
