"""Runs that sum up many fits: written in place of those before, if anything changed."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.utils.time import get_current_time_millis

from cotrain.tracking._records import COMPLETE, NOTE, ROLE, texts

_SUBJECT = "cotrain.subject"
_DIGEST = "cotrain.digest"
_METRICS_A_BATCH = 1000


@dataclass(frozen=True)
class Summary:
    """What one summary run holds; `role` and `subject` say which run it is."""

    role: str
    subject: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()
    note: str = ""

    @property
    def digest(self) -> str:
        """The hash of everything the run holds."""
        figures = {key: repr(float(value)) for key, value in self.metrics.items()}
        plain = [texts(self.params), figures, dict(self.tags), self.note]
        digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
        for name, file in _files(self.artifacts):
            digest.update(f"\0{name}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()


def write_summaries(
    client: MlflowClient,
    experiment_id: str,
    summaries: Sequence[Summary],
    role: str,
    subject: str | None = None,
) -> None:
    """Make `summaries` the only runs of `role` (and `subject`), writing what changed."""
    of_role = client.search_runs([experiment_id], f"tags.`{ROLE}` = '{role}'", max_results=1000)
    old = [run for run in of_role if subject in (None, run.data.tags.get(_SUBJECT))]
    current = {
        (run.data.tags.get(_SUBJECT), run.data.tags.get(_DIGEST)): run.info.run_id
        for run in old
        if run.data.tags.get(COMPLETE) == "true"
    }
    kept = set()
    for summary in summaries:
        if run_id := current.get((summary.subject, summary.digest)):
            kept.add(run_id)
        else:
            _write(client, experiment_id, summary)
    for run in old:
        if run.info.run_id not in kept:
            client.delete_run(run.info.run_id)


def _write(client: MlflowClient, experiment_id: str, summary: Summary) -> None:
    tags = {ROLE: summary.role, _SUBJECT: summary.subject, _DIGEST: summary.digest}
    tags |= {"mlflow.source.name": "cotrain", "mlflow.source.type": "LOCAL"} | dict(summary.tags)
    tags |= {NOTE: summary.note} if summary.note else {}
    now = get_current_time_millis()
    run_id = client.create_run(experiment_id, now, tags, summary.subject).info.run_id
    metrics = [Metric(k, v, now, 0) for k, v in summary.metrics.items() if math.isfinite(v)]
    params = [Param(key, value) for key, value in texts(summary.params).items()]
    client.log_batch(run_id, metrics[:_METRICS_A_BATCH], params)
    for start in range(_METRICS_A_BATCH, len(metrics), _METRICS_A_BATCH):
        client.log_batch(run_id, metrics[start : start + _METRICS_A_BATCH])
    for path in summary.artifacts:
        if path.is_dir():
            client.log_artifacts(run_id, str(path), path.name)
        else:
            client.log_artifact(run_id, str(path))
    client.set_terminated(run_id)
    client.set_tag(run_id, COMPLETE, "true")


def _files(artifacts: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    for path in artifacts:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file())
            yield from ((file.relative_to(path.parent).as_posix(), file) for file in inside)
        else:
            yield path.name, path
