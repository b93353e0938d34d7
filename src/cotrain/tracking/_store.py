"""What a store of runs does, and the way through MLflow's public client: any server, any store."""

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cotrain.tracking._records import COMPLETE, FIT_ID, MEMBERS, ROLE, RunContext, RunRecord

if TYPE_CHECKING:  # its import takes seconds, and the other way does without
    from mlflow import MlflowClient
    from mlflow.entities import Run

_METRICS_A_BATCH = 1000  # MLflow's limits for one log_batch
_PAGE = 1000
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
        found = {
            key: value
            for key, value in self.metrics.items()
            if "/" in key and key.partition("/")[0] in columns
        }
        wanted = {key: bounded(v) for key, v in record.metrics.items() if "/" in key}
        members = self.tags.get(MEMBERS) == record.tags[MEMBERS]
        return members and {key: bounded(v) for key, v in found.items()} == wanted


class Store(Protocol):
    """Writes and reads the runs of one experiment."""

    def write(self, records: Sequence[RunRecord], run: RunContext) -> list[RunState]:
        """The states of the runs that were written, in order; all of them complete or failed."""
        ...

    def runs(self, role: str) -> list[RunState]:
        """The state of every active run of a role, such as `fit`."""
        ...

    def fits(self, fit_ids: Iterable[str] | None) -> Iterator[StoredFit]:
        """The complete fits asked for, each once a run; None: all."""
        ...

    def write_summary(self, record: RunRecord, artifacts: Sequence[Path]) -> None:
        """Write a run with files and folders; it counts only once it is whole."""
        ...

    def delete(self, run_ids: Sequence[str]) -> None:
        """Mark runs as deleted; MLflow can restore them."""
        ...

    def experiment_tags(self) -> dict[str, str]:
        """What is said of the experiment."""
        ...

    def tag_experiment(self, key: str, value: str) -> None:
        """Say something of the experiment, in place of what was said before."""
        ...


class ClientStore:
    """The way through the public API: several calls a run."""

    def __init__(self, client: "MlflowClient", experiment_id: str):
        self._client = client
        self._experiment_id = experiment_id

    def write(self, records: Sequence[RunRecord], run: RunContext) -> list[RunState]:
        return [self._write_one(record, run) for record in records]

    def write_summary(self, record: RunRecord, artifacts: Sequence[Path]) -> None:
        self._write_one(record, None, artifacts)

    def _write_one(
        self, record: RunRecord, run: RunContext | None, artifacts: Sequence[Path] = ()
    ) -> RunState:
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

        now = milliseconds()
        made = self._client.create_run(self._experiment_id, now, record.tags, record.name)
        run_id = made.info.run_id
        if run is not None:
            named = Dataset(run.dataset, run.data_version, "local", DATASET_SOURCE)
            tags = [InputTag("mlflow.data.context", "training")]
            self._client.log_inputs(run_id, [DatasetInput(named, tags)])
        params = [Param(key, value) for key, value in record.params.items()]
        metrics = iter([Metric(key, value, now, 0) for key, value in record.metrics.items()])
        self._client.log_batch(run_id, list(islice(metrics, _METRICS_A_BATCH)), params)
        while batch := list(islice(metrics, _METRICS_A_BATCH)):
            self._client.log_batch(run_id, batch)
        for path in artifacts:
            if path.is_dir():
                self._client.log_artifacts(run_id, str(path), path.name)
            else:
                self._client.log_artifact(run_id, str(path))
        self._client.set_terminated(run_id, record.status, milliseconds())
        if COMPLETE in record.final_tags:  # last of all: a run killed on the way never counts
            self._client.set_tag(run_id, COMPLETE, "true")
        return RunState(run_id, record.status, now, record.final_tags)

    def runs(self, role: str) -> list[RunState]:
        return [
            RunState(run.info.run_id, run.info.status, run.info.start_time, run.data.tags)
            for run in self._search(f"tags.`{ROLE}` = '{role}'")
        ]

    def fits(self, fit_ids: Iterable[str] | None) -> Iterator[StoredFit]:
        wanted = None if fit_ids is None else set(fit_ids)
        for run in self._search(f"tags.`{ROLE}` = 'fit' AND tags.`{COMPLETE}` = 'true'"):
            if wanted is None or run.data.tags[FIT_ID] in wanted:
                yield StoredFit(run.data.tags, run.data.metrics)

    def delete(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            self._client.delete_run(run_id)

    def experiment_tags(self) -> dict[str, str]:
        return dict(self._client.get_experiment(self._experiment_id).tags)

    def tag_experiment(self, key: str, value: str) -> None:
        self._client.set_experiment_tag(self._experiment_id, key, value)

    def _search(self, query: str) -> Iterator["Run"]:
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment_id], query, max_results=_PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return


def milliseconds() -> int:
    """Now, as MLflow counts."""
    return int(time.time() * 1000)


def bounded(value: float) -> float:
    """A value as MLflow's tables keep it: SQL has no infinity, so the largest double instead."""
    return math.copysign(LARGEST, value) if math.isinf(value) else value
