"""What a store of runs does, and the way through MLflow's public client: any server, any store."""

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cotrain.imports import importing
from cotrain.tracking._names import decode_task
from cotrain.tracking._records import (
    COMPLETE,
    DIGEST,
    FIT_ID,
    MEMBERS,
    ROLE,
    SUBJECT,
    RunContext,
    RunRecord,
    Summary,
)

if TYPE_CHECKING:  # its import takes seconds, and the other way does without
    from mlflow import MlflowClient
    from mlflow.entities import Run

_METRICS_A_BATCH = 1000  # MLflow's limits for one log_batch
_PAGE = 1000
FIT_COLUMNS = ("fit_id", "kind", "repeat", "members", "level", "auxiliary")
_NUMBERS = ("repeat", "level", "n_labels")
LARGEST = 1.7976931348623157e308
DATASET_SOURCE = json.dumps({"uri": "data/tasks.npz"})


@dataclass(frozen=True)
class RunState:
    """Where a run stands."""

    run_id: str
    status: str
    start_time: int
    tags: Mapping[str, str]  # those at least that tell it from others

    @property
    def fit_id(self) -> str:
        return self.tags.get(FIT_ID, "")

    @property
    def complete(self) -> bool:
        return self.tags.get(COMPLETE) == "true"


@dataclass(frozen=True)
class StoredFit:
    """A complete fit's tags and metrics as read back."""

    tags: dict[str, str]
    metrics: dict[str, float]

    @property
    def fit_id(self) -> str:
        return self.tags[FIT_ID]

    def agrees_with(self, record: RunRecord) -> bool:
        """True if the run says of its tasks what `record` does: members, labels, each score.

        What was logged of other scores, when others were analysed, does not count; nor do plan,
        kind and repeat: a fit that two plans share tells those that came first.
        """
        columns = {"n_labels"} | {f"val_{score}" for score in record.scores}
        found, wanted = (
            {key: bounded(value) for key, value in metrics.items() if "/" in key}
            for metrics in (self.metrics, record.metrics)
        )
        found = {key: found[key] for key in found if key.partition("/")[0] in columns}
        return self.tags.get(MEMBERS) == record.tags[MEMBERS] and found == wanted


class Store:
    """Writes and reads the runs of one experiment, through the public API: several calls a run."""

    def __init__(self, uri: str, experiment_id: str):
        self._uri, self._experiment_id = uri, experiment_id

    @cached_property
    def client(self) -> "MlflowClient":
        return make_client(self._uri)

    def write(self, records: Sequence[RunRecord], run: RunContext) -> list[RunState]:
        """The states of the runs that were written, in order; all of them complete or failed."""
        return [self._write_one(record, run) for record in records]

    def write_new(self, summaries: Sequence[Summary]) -> None:
        """Write runs with their files and folders; each counts only once it is whole."""
        for each in summaries:
            self._write_one(each.record, None, each.artifacts)

    def _write_one(
        self, record: RunRecord, run: RunContext | None, artifacts: Sequence[Path] = ()
    ) -> RunState:
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

        now = milliseconds()
        made = self.client.create_run(self._experiment_id, now, record.tags, record.name)
        run_id = made.info.run_id
        if run is not None:
            named = Dataset(run.dataset, run.data_version, "local", DATASET_SOURCE)
            tags = [InputTag("mlflow.data.context", "training")]
            self.client.log_inputs(run_id, [DatasetInput(named, tags)])
        params = [Param(key, value) for key, value in record.params.items()]
        metrics = iter([Metric(key, value, now, 0) for key, value in record.metrics.items()])
        self.client.log_batch(run_id, list(islice(metrics, _METRICS_A_BATCH)), params)
        while batch := list(islice(metrics, _METRICS_A_BATCH)):
            self.client.log_batch(run_id, batch)
        for path in artifacts:
            if path.is_dir():
                self.client.log_artifacts(run_id, str(path), path.name)
            else:
                self.client.log_artifact(run_id, str(path))
        self.client.set_terminated(run_id, record.status, milliseconds())
        if COMPLETE in record.final_tags:  # last of all: a run killed on the way never counts
            self.client.set_tag(run_id, COMPLETE, "true")
        return RunState(run_id, record.status, now, record.final_tags)

    def runs(self, role: str) -> list[RunState]:
        """The state of every active run of a role, such as `fit`."""
        return [
            RunState(run.info.run_id, run.info.status, run.info.start_time, run.data.tags)
            for run in self._search(f"tags.`{ROLE}` = '{role}'")
        ]

    def fits(self, fit_ids: Iterable[str] | None) -> Iterator[StoredFit]:
        """The complete fits asked for, each once a run; None: all."""
        wanted = None if fit_ids is None else set(fit_ids)
        for run in self._search(f"tags.`{ROLE}` = 'fit' AND tags.`{COMPLETE}` = 'true'"):
            if wanted is None or run.data.tags[FIT_ID] in wanted:
                yield StoredFit(run.data.tags, run.data.metrics)

    def delete(self, run_ids: Sequence[str]) -> None:
        """Mark runs as deleted; MLflow can restore them."""
        for run_id in run_ids:
            self.client.delete_run(run_id)

    def experiment_tags(self) -> dict[str, str]:
        """What is said of the experiment."""
        return dict(self.client.get_experiment(self._experiment_id).tags)

    def tag_experiment(self, key: str, value: str) -> None:
        """Say something of the experiment, in place of what was said before."""
        self.client.set_experiment_tag(self._experiment_id, key, value)

    def write_summaries(
        self, summaries: Sequence[Summary], role: str, subject: str | None = None
    ) -> None:
        """Make `summaries` the only runs of `role` (and `subject`), writing what changed."""
        old = [run for run in self.runs(role) if subject in (None, run.tags.get(SUBJECT))]
        current = {
            (run.tags.get(SUBJECT), run.tags.get(DIGEST)): run.run_id for run in old if run.complete
        }
        keys = {(each.subject, each.digest): each for each in summaries}
        self.write_new([each for key, each in keys.items() if key not in current])
        kept = {current.get(key) for key in keys}
        self.delete([run.run_id for run in old if run.run_id not in kept])

    def _search(self, query: str) -> Iterator["Run"]:
        token = None
        while True:
            page = self.client.search_runs(
                [self._experiment_id], query, max_results=_PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return


def make_client(uri: str) -> "MlflowClient":
    """MLflow's client of a store."""
    with importing():
        from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def milliseconds() -> int:
    """Now, as MLflow counts."""
    return int(time.time() * 1000)


def bounded(value: float) -> float:
    """A value as MLflow's tables keep it: SQL has no infinity, so the largest double instead."""
    return math.copysign(LARGEST, value) if math.isinf(value) else value


def score_frame(fits: Iterable[StoredFit], long_names: dict[str, str]) -> pd.DataFrame:
    """One row a (fit, task), sorted by both, with a column for each score that was logged."""
    names = (FIT_ID, *(f"cotrain.{name}" for name in FIT_COLUMNS[1:]))
    heads: list[tuple[str | None, ...]] = []
    fit_codes: list[int] = []
    key_codes: list[int] = []
    values: list[float] = []
    keys: dict[str, int] = {}
    for at, fit in enumerate(fits):
        heads.append(tuple(fit.tags.get(name) for name in names))
        for name, value in fit.metrics.items():
            if "/" in name:
                fit_codes.append(at)
                key_codes.append(keys.setdefault(name, len(keys)))
                values.append(value)
    columns, tasks, column_of_key, task_of_key = _split(keys, long_names)
    key = np.array(key_codes, dtype=np.int64)
    cell = np.array(fit_codes, dtype=np.int64) * max(len(tasks), 1) + task_of_key[key]
    cells, row = np.unique(cell, return_inverse=True)
    table = np.full((len(cells), len(columns)), np.nan)
    table[row, column_of_key[key]] = values
    table = np.where(np.abs(table) >= LARGEST, np.copysign(np.inf, table), table)
    frame = pd.DataFrame(heads, columns=list(FIT_COLUMNS)).iloc[cells // max(len(tasks), 1)]
    frame = frame.assign(task=np.array(tasks, dtype=object)[cells % max(len(tasks), 1)])
    frame = pd.concat([frame.reset_index(drop=True), pd.DataFrame(table, columns=columns)], axis=1)
    frame = frame.astype(dict.fromkeys(_NUMBERS, np.int64))
    return frame.sort_values(["fit_id", "task"], ignore_index=True)


def _split(
    keys: Iterable[str], long_names: dict[str, str]
) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Columns and tasks, and which of them each metric key stands for."""
    columns: dict[str, int] = {"n_labels": 0}
    tasks: dict[str, int] = {}
    pairs = []
    for key in keys:
        column, _, code = key.partition("/")
        task = decode_task(code, long_names)
        pairs.append((columns.setdefault(column, len(columns)), tasks.setdefault(task, len(tasks))))
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return list(columns), list(tasks), both[:, 0], both[:, 1]
