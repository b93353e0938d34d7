"""The SQLite file that MLflow keeps runs in: made and upgraded beside, then renamed in."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

from cotrain.exceptions import CotrainError
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
            _make(path)
            lock.write_text(f"{_installed()}{_revision(path)}", encoding="utf-8")
        elif revision != _newest_revision(lock):
            _upgrade(path, path.with_name(f"{path.name}.{revision}.bak"))
        with closing(_connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer


def _installed() -> str:
    return f"mlflow {version('mlflow')} "


def _newest_revision(lock: Path) -> str:
    """The newest schema of the installed MLflow; noted in `lock`, for the import takes seconds."""
    noted = lock.read_text(encoding="utf-8")
    if noted.startswith(_installed()):
        return noted.removeprefix(_installed())
    from mlflow.store.db import utils as database

    newest = database._get_latest_schema_revision()
    lock.write_text(f"{_installed()}{newest}", encoding="utf-8")
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


def _make(path: Path) -> None:
    """Put an empty database in the place of `path`.

    MLflow takes seconds to make one, so that a copy is kept for the user's next studies.
    """
    kept = user_cache_path("cotrain", appauthor=False) / f"mlflow-{version('mlflow')}.db"
    if path.exists():
        _without_log(path)
    with whole_file(path) as part:
        if _is_sound(kept):
            shutil.copyfile(kept, part)
        else:
            _migrate(part, is_new=True)
            with suppress(CotrainError), whole_file(kept) as copy:  # a home may be read only
                shutil.copyfile(part, copy)
        _sync(part)


def _is_sound(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with closing(_connect(path)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check").fetchone()
        return bool(found == "ok" and _revision(path))
    except sqlite3.Error:
        return False


def _upgrade(path: Path, backup: Path) -> None:
    """Put a copy of the newest schema in the place of `path`, which becomes `backup`."""
    _without_log(path)
    with whole_file(path) as part:
        shutil.copyfile(path, part)
        _migrate(part, is_new=False)
        _sync(part)
        with whole_file(backup) as copy:
            shutil.copyfile(path, copy)


def _without_log(path: Path) -> None:
    # SQLite would play it into the new file. Fails while others read it.
    with closing(_connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _migrate(part: Path, is_new: bool) -> None:
    """Bring a database that nothing else knows of to MLflow's newest schema."""
    with importing():
        import sqlalchemy
        from mlflow.store.db import utils as database

    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: _unsynced(part))
    try:
        (database._initialize_tables if is_new else database._upgrade_db)(engine)
    finally:
        engine.dispose()


def _sync(part: Path) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())


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
