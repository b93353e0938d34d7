"""Many runs in one transaction, and read back in a few queries, where the store is an SQLite file.

MLflow's client takes 15 to 30 ms a run, most of it in the ORM and one transaction a call. This
writes the same rows into MLflow's own tables, and imports neither MLflow nor SQLAlchemy. It holds
for the schema of mlflow >=3.17,<3.18, which is what the package asks for; a test compares the runs
with the client's.
"""

import shutil
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from cotrain.exceptions import TrackingError
from cotrain.tracking._connect import sqlite_path
from cotrain.tracking._records import (
    COMPLETE,
    DATA_VERSION,
    DIGEST,
    FIT_ID,
    ROLE,
    SUBJECT,
    RunContext,
    RunRecord,
    Summary,
)
from cotrain.tracking._store import (
    DATASET_SOURCE,
    RunState,
    Store,
    StoredFit,
    bounded,
    make_client,
    milliseconds,
)

_RUNS_A_TRANSACTION = 500
_RUNS_A_QUERY = 500
_LONGEST_NAME = 500
_LOCKED_SECONDS = 20  # as MLflow's own sessions wait
_TOLD = (ROLE, FIT_ID, DATA_VERSION, SUBJECT, DIGEST, COMPLETE)

_Row = dict[str, Any]


def open_store(uri: str, name: str) -> tuple[str, Store]:
    """The identity of the experiment `name`, which is made if need be, and the way to its runs.

    A study's SQLite file is read and written without importing MLflow.
    """
    path = sqlite_path(uri)
    if path is None:
        experiment_id = _experiment_id(uri, name)
        return experiment_id, Store(uri, experiment_id)
    if (found := _find_experiment(path, name)) is None:
        _make_experiment(path, name)
        found = _find_experiment(path, name)
        assert found is not None
    number, artifacts, stage = found
    _check_stage(name, number, stage)
    return str(number), SqlStore(uri, str(number), path, artifacts)


def _experiment_id(uri: str, name: str) -> str:
    client = make_client(uri)
    from mlflow.exceptions import MlflowException

    if (experiment := client.get_experiment_by_name(name)) is None:
        try:
            return client.create_experiment(name)
        except MlflowException:  # another process was quicker
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    _check_stage(name, experiment.experiment_id, experiment.lifecycle_stage)
    return experiment.experiment_id


def _find_experiment(path: Path, name: str) -> tuple[int, str, str] | None:
    """Its identity, place of artifacts and lifecycle stage; None if it is not there."""
    query = (
        "SELECT experiment_id, artifact_location, lifecycle_stage FROM experiments "
        "WHERE name = ? AND workspace = 'default'"
    )
    with _connected(path) as connection:
        return connection.execute(query, (name,)).fetchone()


def _make_experiment(path: Path, name: str) -> None:
    """Make an experiment, unless it is there, and MLflow's own `Default`, which it expects."""
    if len(name) > _LONGEST_NAME:
        raise TrackingError(
            f"the experiment's name has {len(name)} characters; MLflow takes {_LONGEST_NAME} at "
            "most, so set MLFLOW_EXPERIMENT_NAME to a shorter one"
        )
    now, home = milliseconds(), path.parent
    # Absolute, for MLflow's default is relative to the folder that a command happens to run in.
    default = (0, "Default", str(home / "mlruns" / "0"), now, now)
    own = (None, name, (home / "mlartifacts").as_uri(), now, now)
    columns = "experiment_id, name, artifact_location, creation_time, last_update_time"
    with _connected(path) as connection:
        connection.executemany(
            f"INSERT OR IGNORE INTO experiments ({columns}, lifecycle_stage) "
            "VALUES (?, ?, ?, ?, ?, 'active')",
            (default, own),
        )


def _check_stage(name: str, experiment_id: str | int, stage: str) -> None:
    if stage == "deleted":
        raise TrackingError(
            f"experiment {name!r} was deleted; run `mlflow experiments restore -x {experiment_id}` "
            "or set MLFLOW_EXPERIMENT_NAME to another name"
        )


class SqlStore(Store):
    """The way around the client: few transactions, each whole or not at all."""

    def __init__(self, uri: str, experiment_id: str, path: Path, artifacts: str):
        super().__init__(uri, experiment_id)
        self._path, self._artifacts = path, artifacts

    def write(self, records: Sequence[RunRecord], run: RunContext) -> list[RunState]:
        states = []
        for start in range(0, len(records), _RUNS_A_TRANSACTION):
            run_ids = {uuid.uuid4().hex: r for r in records[start : start + _RUNS_A_TRANSACTION]}
            with _connected(self._path) as connection:
                states += self._insert(connection, run_ids, self._dataset_id(connection, run))
        return states

    def write_new(self, summaries: Sequence[Summary]) -> None:
        if any(each.artifacts for each in summaries) and not self._artifacts.startswith("file:///"):
            super().write_new(summaries)
            return
        run_ids = {uuid.uuid4().hex: each for each in summaries}
        for run_id, each in run_ids.items():
            folder = Path(url2pathname(urlsplit(self._artifact_uri(run_id)).path))
            for path in each.artifacts:
                folder.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if path.is_dir() else shutil.copyfile
                copy(path, folder / path.name)
        with _connected(self._path) as connection:
            self._insert(connection, {key: each.record for key, each in run_ids.items()}, None)

    def _insert(
        self, connection: sqlite3.Connection, records: dict[str, RunRecord], dataset_id: str | None
    ) -> list[RunState]:
        """Write runs under these identities; their states in order."""
        rows: dict[str, list[_Row]] = defaultdict(list)
        states = []
        now = milliseconds()
        for run_id, record in records.items():
            rows["runs"].append({
                "run_uuid": run_id, "name": record.name, "status": record.status,
                "experiment_id": self._experiment_id, "artifact_uri": self._artifact_uri(run_id),
                "start_time": now, "end_time": now, "lifecycle_stage": "active",
                "source_type": "UNKNOWN", "source_name": "", "entry_point_name": "",
                "source_version": "", "user_id": "unknown",
            })  # fmt: skip
            named = {**record.final_tags, "mlflow.runName": record.name}
            for table, pairs in (("tags", named), ("params", record.params)):
                rows[table] += [
                    {"key": key, "value": value, "run_uuid": run_id} for key, value in pairs.items()
                ]
            common = {"timestamp": now, "step": 0, "is_nan": False, "run_uuid": run_id}
            metrics = [
                {"key": key, "value": bounded(value), **common}
                for key, value in record.metrics.items()
            ]
            rows["metrics"] += metrics
            rows["latest_metrics"] += metrics
            if dataset_id is not None:
                own = {"input_uuid": uuid.uuid4().hex}
                source = {"source_type": "DATASET", "source_id": dataset_id}
                run = {"destination_type": "RUN", "destination_id": run_id}
                rows["inputs"].append(own | source | run)
                use = {"name": "mlflow.data.context", "value": "training"}
                rows["input_tags"].append(own | use)
            states.append(RunState(run_id, record.status, now, record.final_tags))
        for table, values in rows.items():  # runs first: the others refer to them
            _insert_rows(connection, table, values)
        return states

    def _artifact_uri(self, run_id: str) -> str:
        return f"{self._artifacts.rstrip('/')}/{run_id}/artifacts"

    def _dataset_id(self, connection: sqlite3.Connection, run: RunContext) -> str:
        where = {"experiment_id": self._experiment_id}
        named = where | {"name": run.dataset, "digest": run.data_version}
        query = (
            "SELECT dataset_uuid FROM datasets "
            "WHERE experiment_id = :experiment_id AND name = :name AND digest = :digest"
        )
        if found := connection.execute(query, named).fetchone():
            return str(found[0])
        dataset_id = uuid.uuid4().hex
        source = {"dataset_source_type": "local", "dataset_source": DATASET_SOURCE}
        _insert_rows(connection, "datasets", [{"dataset_uuid": dataset_id, **named, **source}])
        return dataset_id

    def runs(self, role: str) -> list[RunState]:
        query = f"""
            SELECT runs.run_uuid, runs.status, runs.start_time, tags.key, tags.value FROM runs
            JOIN tags AS role ON role.run_uuid = runs.run_uuid AND role.key = ?
            JOIN tags ON tags.run_uuid = runs.run_uuid
            WHERE runs.experiment_id = ? AND runs.lifecycle_stage = 'active' AND role.value = ?
            AND tags.key IN ({_places(_TOLD)})
        """
        tags: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
        with _connected(self._path) as connection:
            found = connection.execute(query, (ROLE, self._experiment_id, role, *_TOLD))
            for *run, key, value in found:
                tags[tuple(run)][key] = value
        return [RunState(*run, told) for run, told in tags.items()]

    def delete(self, run_ids: Sequence[str]) -> None:
        change = "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ? WHERE run_uuid = ?"
        if run_ids:
            now = milliseconds()
            with _connected(self._path) as connection:
                connection.executemany(change, [(now, run_id) for run_id in run_ids])

    def experiment_tags(self) -> dict[str, str]:
        query = "SELECT key, value FROM experiment_tags WHERE experiment_id = ?"
        with _connected(self._path) as connection:
            return dict(connection.execute(query, (self._experiment_id,)).fetchall())

    def tag_experiment(self, key: str, value: str) -> None:
        row = {"experiment_id": self._experiment_id, "key": key, "value": value}
        old = "DELETE FROM experiment_tags WHERE experiment_id = :experiment_id AND key = :key"
        with _connected(self._path) as connection:
            connection.execute(old, row)
            _insert_rows(connection, "experiment_tags", [row])

    def fits(self, fit_ids: Iterable[str] | None) -> Iterator[StoredFit]:
        wanted = None if fit_ids is None else set(fit_ids)
        run_ids = [
            state.run_id
            for state in self.runs("fit")
            if state.complete and (wanted is None or state.fit_id in wanted)
        ]
        with _connected(self._path) as connection:
            for start in range(0, len(run_ids), _RUNS_A_QUERY):
                chunk = run_ids[start : start + _RUNS_A_QUERY]
                tags = _by_run(connection, "tags", chunk)
                metrics = _by_run(connection, "latest_metrics", chunk)
                yield from (StoredFit(tags[run_id], metrics[run_id]) for run_id in chunk)


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection whose changes are kept if all inside succeeds, and none otherwise."""
    with closing(sqlite3.connect(path, timeout=_LOCKED_SECONDS)) as connection, connection:
        # KiB: the indexes stay in memory. `synchronous` stays FULL, for writing is rare.
        connection.execute("PRAGMA cache_size = -65536")
        yield connection


def _insert_rows(connection: sqlite3.Connection, table: str, rows: Sequence[_Row]) -> None:
    """Insert rows of the same columns."""
    if rows:
        columns = ", ".join(rows[0])
        values = ", ".join(f":{column}" for column in rows[0])
        connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", rows)


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _by_run(connection: sqlite3.Connection, table: str, run_ids: Sequence[str]) -> dict[str, Any]:
    """Keys and values of each run."""
    query = f"SELECT run_uuid, key, value FROM {table} WHERE run_uuid IN ({_places(run_ids)})"
    result: dict[str, Any] = defaultdict(dict)
    for run_id, key, value in connection.execute(query, run_ids):
        result[run_id][key] = value
    return result
