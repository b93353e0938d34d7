"""Runs that sum up many fits: written in place of those before, if anything changed."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cotrain.tracking._records import DIGEST, ROLE, SUBJECT, RunRecord, texts
from cotrain.tracking._store import Store


@dataclass(frozen=True)
class Summary:
    """What one summary run holds; `role` and `subject` say which run it is."""

    role: str
    subject: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()

    @property
    def digest(self) -> str:
        """The hash of everything the run holds."""
        figures = {key: repr(float(value)) for key, value in self.metrics.items()}
        plain = [texts(self.params), figures, dict(self.tags)]
        digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
        for name, file in _files(self.artifacts):
            digest.update(f"\0{name}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    @property
    def record(self) -> RunRecord:
        """The run, ready to be written; a figure that is no number is left out."""
        tags = {ROLE: self.role, SUBJECT: self.subject, DIGEST: self.digest}
        tags |= {"mlflow.source.name": "cotrain", "mlflow.source.type": "LOCAL"} | dict(self.tags)
        metrics = {key: value for key, value in self.metrics.items() if math.isfinite(value)}
        return RunRecord(self.subject, tags, texts(self.params), metrics)


def write_summaries(
    store: Store, summaries: Sequence[Summary], role: str, subject: str | None = None
) -> None:
    """Make `summaries` the only runs of `role` (and `subject`), writing what changed."""
    old = [run for run in store.runs(role) if subject in (None, run.tags.get(SUBJECT))]
    current = {
        (run.tags.get(SUBJECT), run.tags.get(DIGEST)): run.run_id for run in old if run.complete
    }
    kept = set()
    for summary in summaries:
        if run_id := current.get((summary.subject, summary.digest)):
            kept.add(run_id)
        else:
            store.write_summary(summary.record, summary.artifacts)
    store.delete([run.run_id for run in old if run.run_id not in kept])


def _files(artifacts: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    for path in artifacts:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file())
            yield from ((file.relative_to(path.parent).as_posix(), file) for file in inside)
        else:
            yield path.name, path
