"""Many runs in one transaction, and read back in a few queries, where the store is a database.

MLflow's client takes 15 to 30 ms a run, most of it in the ORM and one transaction a call. This
writes the same rows with core inserts into MLflow's own tables. It holds for the schema of
mlflow >=3.17,<3.18, which is what the package asks for; a test compares the runs with the client's.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mlflow.entities import Dataset
from mlflow.store.tracking.dbmodels import models
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils.time import get_current_time_millis
from mlflow.utils.uri import append_to_uri_path
from sqlalchemy import Connection, Row, Table, insert, select

from cotrain.tracking._records import COMPLETE, DATA_VERSION, FIT_ID, ROLE, RunRecord
from cotrain.tracking._store import RunState, StoredFit, bounded, complete_tag, state_of

_RUNS_A_TRANSACTION = 500
_RUNS_A_QUERY = 500

_RUNS: Table = models.SqlRun.__table__
_TAGS: Table = models.SqlTag.__table__
_PARAMS: Table = models.SqlParam.__table__
_METRICS: Table = models.SqlMetric.__table__
_LATEST_METRICS: Table = models.SqlLatestMetric.__table__
_DATASETS: Table = models.SqlDataset.__table__
_INPUTS: Table = models.SqlInput.__table__
_INPUT_TAGS: Table = models.SqlInputTag.__table__


class SqlStore:
    """The way around the client: few transactions, each whole or not at all."""

    def __init__(self, store: SqlAlchemyStore, experiment_id: str):
        self._engine = store.engine
        self._experiment_id = int(experiment_id)
        self._artifacts = store.get_experiment(experiment_id).artifact_location

    def write(self, records: Sequence[RunRecord], dataset: Dataset) -> list[RunState]:
        states = []
        for start in range(0, len(records), _RUNS_A_TRANSACTION):
            chunk = records[start : start + _RUNS_A_TRANSACTION]
            with self._engine.begin() as connection:
                _tune(connection)
                dataset_id = self._dataset_id(connection, dataset)
                rows, chunk_states = self._rows(chunk, dataset_id)
                for table in rows:  # runs first: the others refer to them
                    connection.execute(insert(table), rows[table])
            states += chunk_states
        return states

    def _rows(
        self, records: Sequence[RunRecord], dataset_id: str
    ) -> tuple[dict[Table, list[dict[str, Any]]], list[RunState]]:
        rows: dict[Table, list[dict[str, Any]]] = defaultdict(list)
        states = []
        now = get_current_time_millis()
        for record in records:
            run_id, input_id = uuid.uuid4().hex, uuid.uuid4().hex
            tags = record.tags | complete_tag(record)
            rows[_RUNS].append(self._run_row(run_id, record, now))
            rows[_TAGS] += [
                {"key": key, "value": value, "run_uuid": run_id}
                for key, value in {**tags, "mlflow.runName": record.name}.items()
            ]
            rows[_PARAMS] += [
                {"key": key, "value": value, "run_uuid": run_id}
                for key, value in record.params.items()
            ]
            metrics = [
                _metric_row(run_id, key, value, now) for key, value in record.metrics.items()
            ]
            if metrics:
                rows[_METRICS] += metrics
                rows[_LATEST_METRICS] += metrics
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
            states.append(state_of(run_id, tags, record.status, now))
        return rows, states

    def _run_row(self, run_id: str, record: RunRecord, now: int) -> dict[str, Any]:
        return {
            "run_uuid": run_id,
            "name": record.name,
            "artifact_uri": append_to_uri_path(self._artifacts, run_id, "artifacts"),
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

    def _dataset_id(self, connection: Connection, dataset: Dataset) -> str:
        found = connection.scalar(
            select(_DATASETS.c.dataset_uuid).where(
                _DATASETS.c.experiment_id == self._experiment_id,
                _DATASETS.c.name == dataset.name,
                _DATASETS.c.digest == dataset.digest,
            )
        )
        if found:
            return found
        dataset_id = uuid.uuid4().hex
        connection.execute(
            insert(_DATASETS).values(
                dataset_uuid=dataset_id,
                experiment_id=self._experiment_id,
                name=dataset.name,
                digest=dataset.digest,
                dataset_source_type=dataset.source_type,
                dataset_source=dataset.source,
                dataset_schema=dataset.schema,
                dataset_profile=dataset.profile,
            )
        )
        return dataset_id

    def states(self) -> list[RunState]:
        role = _TAGS.alias("role")
        query = (
            select(_RUNS.c.run_uuid, _RUNS.c.status, _RUNS.c.start_time, _TAGS.c.key, _TAGS.c.value)
            .join(role, (role.c.run_uuid == _RUNS.c.run_uuid) & (role.c.key == ROLE))
            .join(_TAGS, _TAGS.c.run_uuid == _RUNS.c.run_uuid)
            .where(
                _RUNS.c.experiment_id == self._experiment_id,
                _RUNS.c.lifecycle_stage == "active",
                role.c.value == "fit",
                _TAGS.c.key.in_([FIT_ID, DATA_VERSION, COMPLETE]),
            )
        )
        runs: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
        with self._engine.connect() as connection:
            for run_id, status, start_time, key, value in connection.execute(query):
                runs[run_id, status, start_time][key] = value
        return [
            state_of(run_id, tags, status, start_time)
            for (run_id, status, start_time), tags in runs.items()
        ]

    def fits(self, fit_ids: Iterable[str] | None) -> Iterator[StoredFit]:
        wanted = None if fit_ids is None else set(fit_ids)
        run_ids = [
            state.run_id
            for state in self.states()
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


def _by_run(connection: Connection, table: Table, run_ids: Sequence[str]) -> dict[str, Any]:
    """Keys and values of each run."""
    query = select(table.c.run_uuid, table.c.key, table.c.value)
    result: dict[str, Any] = defaultdict(dict)
    row: Row
    for row in connection.execute(query.where(table.c.run_uuid.in_(run_ids))):
        run_id, key, value = row
        result[run_id][key] = value
    return result


def _metric_row(run_id: str, key: str, value: float, now: int) -> dict[str, Any]:
    return {
        "key": key,
        "value": bounded(value),
        "timestamp": now,
        "step": 0,
        "is_nan": False,
        "run_uuid": run_id,
    }
