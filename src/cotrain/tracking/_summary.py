"""One run a plan: its settings, key figures and files."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.utils.time import get_current_time_millis

from cotrain.tracking._records import COMPLETE, NOTE, PLAN, ROLE, texts

_DIGEST = "cotrain.digest"


def log_summary(
    client: MlflowClient,
    experiment_id: str,
    plan: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    artifacts: Sequence[Path],
    note: str,
) -> None:
    """Write the summary run of `plan`, unless the one there holds just this; delete the others."""
    digest = _digest(params, metrics, artifacts, note)
    query = f"tags.`{ROLE}` = 'summary' AND tags.`{PLAN}` = '{plan}'"
    old = client.search_runs([experiment_id], query)
    current = [
        run
        for run in old
        if run.data.tags.get(_DIGEST) == digest and run.data.tags.get(COMPLETE) == "true"
    ][:1]
    if not current:
        _write(client, experiment_id, plan, params, metrics, artifacts, note, digest)
    for run in old:
        if run not in current:
            client.delete_run(run.info.run_id)


def _write(
    client: MlflowClient,
    experiment_id: str,
    plan: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    artifacts: Sequence[Path],
    note: str,
    digest: str,
) -> None:
    tags = {ROLE: "summary", PLAN: plan, _DIGEST: digest, "mlflow.source.name": "cotrain"}
    tags |= {NOTE: note} if note else {}
    now = get_current_time_millis()
    run_id = client.create_run(experiment_id, now, tags, f"summary of {plan}").info.run_id
    client.log_batch(
        run_id,
        [Metric(key, value, now, 0) for key, value in metrics.items() if value == value],
        [Param(key, value) for key, value in texts(params).items()],
    )
    for path in artifacts:
        if path.is_dir():
            client.log_artifacts(run_id, str(path), path.name)
        else:
            client.log_artifact(run_id, str(path))
    client.set_terminated(run_id)
    client.set_tag(run_id, COMPLETE, "true")


def _digest(
    params: Mapping[str, Any], metrics: Mapping[str, float], artifacts: Sequence[Path], note: str
) -> str:
    digest = hashlib.sha256()
    plain = [texts(params), {key: repr(float(value)) for key, value in metrics.items()}, note]
    digest.update(json.dumps(plain, sort_keys=True).encode())
    for name, file in _files(artifacts):
        digest.update(f"\0{name}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(artifacts: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    for path in artifacts:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file())
            yield from ((file.relative_to(path.parent).as_posix(), file) for file in inside)
        else:
            yield path.name, path
