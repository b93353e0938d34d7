"""Many runs in one transaction, and read back in a few queries, where the store is a database.

MLflow's client takes 15 to 30 ms a run, most of it in the ORM and one transaction a call. This
writes the same rows with core inserts into MLflow's own tables. It holds for the schema of
mlflow >=3.17,<3.18, which is what the package asks for; a test compares the runs with the client's.
"""

import shutil
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    TableClause,
    column,
    delete,
    insert,
    select,
    table,
    update,
)

from cotrain.tracking._records import (
    COMPLETE,
    DATA_VERSION,
    DIGEST,
    FIT_ID,
    ROLE,
    SUBJECT,
    RunContext,
    RunRecord,
)
from cotrain.tracking._store import (
    DATASET_SOURCE,
    ClientStore,
    RunState,
    StoredFit,
    bounded,
    milliseconds,
)

if TYPE_CHECKING:  # its import takes seconds
    from mlflow import MlflowClient

_RUNS_A_TRANSACTION = 500
_RUNS_A_QUERY = 500


def _table(name: str, *columns: str) -> TableClause:
    return table(name, *(column(one) for one in columns))


# fmt: off
_RUNS = _table(
    "runs", "run_uuid", "name", "artifact_uri", "experiment_id", "source_type", "source_name",
    "entry_point_name", "source_version", "user_id", "status", "start_time", "end_time",
    "deleted_time", "lifecycle_stage",
)
_DATASETS = _table(
    "datasets", "dataset_uuid", "experiment_id", "name", "digest", "dataset_source_type",
    "dataset_source",
)
_INPUTS = _table(
    "inputs", "input_uuid", "source_type", "source_id", "destination_type", "destination_id"
)
# fmt: on
_TAGS = _table("tags", "key", "value", "run_uuid")
_PARAMS = _table("params", "key", "value", "run_uuid")
_METRIC = ("key", "value", "timestamp", "step", "is_nan", "run_uuid")
_METRICS = _table("metrics", *_METRIC)
_LATEST_METRICS = _table("latest_metrics", *_METRIC)
_INPUT_TAGS = _table("input_tags", "input_uuid", "name", "value")
_EXPERIMENTS = _table(
    "experiments", "experiment_id", "name", "workspace", "artifact_location", "lifecycle_stage"
)
_EXPERIMENT_TAGS = _table("experiment_tags", "key", "value", "experiment_id")


def find_experiment(engine: Engine, name: str) -> Row | None:
    """Its `experiment_id`, `artifact_location` and `lifecycle_stage`; None if it is not there."""
    at = _EXPERIMENTS.c
    query = select(at.experiment_id, at.artifact_location, at.lifecycle_stage)
    with engine.connect() as connection:
        return connection.execute(
            query.where(at.name == name, at.workspace == "default")
        ).one_or_none()


class SqlStore:
    """The way around the client: few transactions, each whole or not at all."""

    def __init__(
        self,
        engine: Engine,
        experiment_id: str,
        artifacts: str,
        client: Callable[[], "MlflowClient"],
    ):
        self._engine = engine
        self._experiment_id = int(experiment_id)
        self._artifacts = artifacts
        self._client = client

    def write(self, records: Sequence[RunRecord], run: RunContext) -> list[RunState]:
        states = []
        for start in range(0, len(records), _RUNS_A_TRANSACTION):
            run_ids = {uuid.uuid4().hex: r for r in records[start : start + _RUNS_A_TRANSACTION]}
            with self._engine.begin() as connection:
                states += self._insert(connection, run_ids, self._dataset_id(connection, run))
        return states

    def write_summary(self, record: RunRecord, artifacts: Sequence[Path]) -> None:
        if artifacts and not self._artifacts.startswith("file:///"):
            ClientStore(self._client(), str(self._experiment_id)).write_summary(record, artifacts)
            return
        run_id = uuid.uuid4().hex
        if artifacts:
            folder = Path(url2pathname(urlsplit(self._artifact_uri(run_id)).path))
            folder.mkdir(parents=True, exist_ok=True)
            for path in artifacts:
                copy = shutil.copytree if path.is_dir() else shutil.copyfile
                copy(path, folder / path.name)
        with self._engine.begin() as connection:
            self._insert(connection, {run_id: record}, None)

    def _insert(
        self, connection: Connection, records: dict[str, RunRecord], dataset_id: str | None
    ) -> list[RunState]:
        """Write runs under these identities; their states in order."""
        _tune(connection)
        rows: dict[TableClause, list[dict[str, Any]]] = defaultdict(list)
        states = []
        now = milliseconds()
        for run_id, record in records.items():
            rows[_RUNS].append(self._run_row(run_id, record, now))
            named = {**record.final_tags, "mlflow.runName": record.name}
            for target, pairs in ((_TAGS, named), (_PARAMS, record.params)):
                rows[target] += [
                    {"key": key, "value": value, "run_uuid": run_id} for key, value in pairs.items()
                ]
            common = {"timestamp": now, "step": 0, "is_nan": False, "run_uuid": run_id}
            metrics = [
                {"key": key, "value": bounded(value), **common}
                for key, value in record.metrics.items()
            ]
            rows[_METRICS] += metrics
            rows[_LATEST_METRICS] += metrics
            if dataset_id is not None:
                input_id = uuid.uuid4().hex
                rows[_INPUTS].append(
                    {
                        "input_uuid": input_id,
                        "source_type": "DATASET",
                        "source_id": dataset_id,
                        "destination_type": "RUN",
                        "destination_id": run_id,
                    }
                )
                rows[_INPUT_TAGS].append(
                    {"input_uuid": input_id, "name": "mlflow.data.context", "value": "training"}
                )
            states.append(RunState(run_id, record.status, now, record.final_tags))
        for target, values in rows.items():  # runs first: the others refer to them
            if values:
                connection.execute(insert(target), values)
        return states

    def _artifact_uri(self, run_id: str) -> str:
        return f"{self._artifacts.rstrip('/')}/{run_id}/artifacts"

    def _run_row(self, run_id: str, record: RunRecord, now: int) -> dict[str, Any]:
        return {
            "run_uuid": run_id,
            "name": record.name,
            "artifact_uri": self._artifact_uri(run_id),
            "experiment_id": self._experiment_id,
            "source_type": "UNKNOWN",
            "source_name": "",
            "entry_point_name": "",
            "source_version": "",
            "user_id": "unknown",
            "status": record.status,
            "start_time": now,
            "end_time": now,
            "lifecycle_stage": "active",
        }

    def _dataset_id(self, connection: Connection, run: RunContext) -> str:
        named = {
            "experiment_id": self._experiment_id,
            "name": run.dataset,
            "digest": run.data_version,
        }
        found = connection.scalar(select(_DATASETS.c.dataset_uuid).filter_by(**named))
        if found:
            return found
        dataset_id = uuid.uuid4().hex
        source = {"dataset_source_type": "local", "dataset_source": DATASET_SOURCE}
        connection.execute(insert(_DATASETS).values(dataset_uuid=dataset_id, **named, **source))
        return dataset_id

    def runs(self, role: str) -> list[RunState]:
        of_role = _TAGS.alias("role")
        query = (
            select(_RUNS.c.run_uuid, _RUNS.c.status, _RUNS.c.start_time, _TAGS.c.key, _TAGS.c.value)
            .join(of_role, (of_role.c.run_uuid == _RUNS.c.run_uuid) & (of_role.c.key == ROLE))
            .join(_TAGS, _TAGS.c.run_uuid == _RUNS.c.run_uuid)
            .where(
                _RUNS.c.experiment_id == self._experiment_id,
                _RUNS.c.lifecycle_stage == "active",
                of_role.c.value == role,
                _TAGS.c.key.in_([ROLE, FIT_ID, DATA_VERSION, SUBJECT, DIGEST, COMPLETE]),
            )
        )
        tags: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
        with self._engine.connect() as connection:
            for *run, key, value in connection.execute(query):
                tags[tuple(run)][key] = value
        return [RunState(*run, told) for run, told in tags.items()]

    def delete(self, run_ids: Sequence[str]) -> None:
        if run_ids:
            deleted = {"lifecycle_stage": "deleted", "deleted_time": milliseconds()}
            with self._engine.begin() as connection:
                for run_id in run_ids:
                    of_run = update(_RUNS).where(_RUNS.c.run_uuid == run_id)
                    connection.execute(of_run.values(deleted))

    def experiment_tags(self) -> dict[str, str]:
        tags = _EXPERIMENT_TAGS.c
        query = select(tags.key, tags.value).where(tags.experiment_id == self._experiment_id)
        with self._engine.connect() as connection:
            return {str(row.key): str(row.value) for row in connection.execute(query)}

    def tag_experiment(self, key: str, value: str) -> None:
        row = {"experiment_id": self._experiment_id, "key": key}
        with self._engine.begin() as connection:
            connection.execute(delete(_EXPERIMENT_TAGS).filter_by(**row))
            connection.execute(insert(_EXPERIMENT_TAGS).values(**row, value=value))

    def fits(self, fit_ids: Iterable[str] | None) -> Iterator[StoredFit]:
        wanted = None if fit_ids is None else set(fit_ids)
        run_ids = [
            state.run_id
            for state in self.runs("fit")
            if state.complete and (wanted is None or state.fit_id in wanted)
        ]
        with self._engine.connect() as connection:
            for start in range(0, len(run_ids), _RUNS_A_QUERY):
                chunk = run_ids[start : start + _RUNS_A_QUERY]
                tags = _by_run(connection, _TAGS, chunk)
                metrics = _by_run(connection, _LATEST_METRICS, chunk)
                yield from (StoredFit(tags[run_id], metrics[run_id]) for run_id in chunk)


def _tune(connection: Connection) -> None:
    """Settings of SQLite for a large transaction; `synchronous` stays FULL, for it is rare."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA busy_timeout = 20000")  # as MLflow's own sessions
        connection.exec_driver_sql("PRAGMA cache_size = -65536")  # KiB: the indexes stay in memory


def _by_run(connection: Connection, pairs: TableClause, run_ids: Sequence[str]) -> dict[str, Any]:
    """Keys and values of each run."""
    query = select(pairs.c.run_uuid, pairs.c.key, pairs.c.value)
    result: dict[str, Any] = defaultdict(dict)
    row: Row
    for row in connection.execute(query.where(pairs.c.run_uuid.in_(run_ids))):
        run_id, key, value = row
        result[run_id][key] = value
    return result
