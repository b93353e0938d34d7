"""What a run in MLflow holds, made from rows of the fit table."""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cotrain.exceptions import TrackingError
from cotrain.tracking._names import encode_task

# Tags by which runs are found again.
ROLE = "cotrain.role"
FIT_ID = "cotrain.fit_id"
DATA_VERSION = "cotrain.data_version"
COMPLETE = "cotrain.complete"
PLAN = "cotrain.plan"
MEMBERS = "cotrain.members"
ERROR = "cotrain.error"
SUBJECT = "cotrain.subject"
DIGEST = "cotrain.digest"
NOTE = "mlflow.note.content"

# Settings of one fit: tags to search by, and parameters, for only they can be axes of charts.
_FIT_COLUMNS = ("plan", "kind", "repeat", "seed", "evaluation_folds", "members", "level")
_OPTIONAL_COLUMNS = ("auxiliary", "task_weights")
# What DVC tells the commands that it runs.
_DVC_VARIABLES = ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV", "DVC_STAGE")
_MAX_PARAM, _MAX_TAG, _MAX_NAME = 6000, 8000, 250
_SOURCE = {"mlflow.source.name": "cotrain", "mlflow.source.type": "LOCAL"}


@dataclass(frozen=True)
class RunContext:
    """What all fits logged in one call share. Settings are flat, of JSON values."""

    data_version: str  # the hash of the task table's file, at most 36 characters
    git_commit: str | None = None  # of the study's code and settings, if it is in git
    # the plan's settings; keys must not be those of a fit's own settings
    params: Mapping[str, Any] = field(default_factory=dict)
    # the settings of each learner, by the name that fits carry
    learners: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scores: tuple[str, ...] = ("log_loss", "auroc")  # the validation scores logged for each task
    dataset: str = "tasks"  # its name in MLflow; its digest there is the data version


@dataclass(frozen=True)
class RunRecord:
    """One run, ready to be written."""

    name: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    status: str = "FINISHED"
    scores: tuple[str, ...] = ()  # those that `metrics` holds of each task

    def __post_init__(self) -> None:
        # MLflow would cut long values silently, or some stores fail on them halfway.
        parts = ("parameter", self.params, _MAX_PARAM), ("tag", self.tags, _MAX_TAG)
        for what, values, limit in parts:
            for key, value in values.items():
                if (n := len(value)) > limit:
                    raise TrackingError(
                        f"{what} {key} has {n} characters, MLflow takes {limit}; shorten it"
                    )

    @property
    def fit_id(self) -> str:
        return self.tags[FIT_ID]

    @property
    def final_tags(self) -> dict[str, str]:
        """The tags with the one that makes a run count, which a failed fit's has not."""
        return self.tags | ({COMPLETE: "true"} if self.status == "FINISHED" else {})


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
        for path in self.artifacts:
            inside = sorted(file for file in path.rglob("*") if file.is_file())
            for file in inside if path.is_dir() else [path]:
                name = file.relative_to(path.parent).as_posix()
                digest.update(f"\0{name}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    @property
    def record(self) -> RunRecord:
        """The run, ready to be written; a figure that is no number is left out."""
        tags = {ROLE: self.role, SUBJECT: self.subject, DIGEST: self.digest}
        tags |= _SOURCE | dict(self.tags)
        metrics = {key: value for key, value in self.metrics.items() if math.isfinite(value)}
        return RunRecord(self.subject, tags, texts(self.params), metrics)


def fit_records(rows: pd.DataFrame, context: RunContext) -> list[RunRecord]:
    """One record for each fit of `rows`, one a (fit, task), in order of first appearance.

    ValueError if a score of `context.scores` is no column, or a fit holds a task twice.
    """
    if missing := [name for name in context.scores if f"val_{name}" not in rows.columns]:
        raise ValueError(f"scores must be scores of the fit table, got {', '.join(missing)}")
    if rows.duplicated(["fit_id", "task"]).any():
        raise ValueError("rows must hold each task of a fit once; drop the duplicates")
    codes, _ = pd.factorize(rows["fit_id"])
    rows = rows.iloc[np.argsort(codes, kind="stable")]
    starts = np.unique(np.sort(codes), return_index=True)[1]
    heads, means = _heads(rows.iloc[starts], context), _means(rows, starts)
    per_task = _task_metrics(rows, np.append(starts, len(rows)), context.scores)
    return [
        RunRecord(
            _fit_name(head, int(mean["n_tasks"])), tags, params, mean | own, scores=context.scores
        )
        for (head, tags, params), mean, own in zip(heads, means, per_task, strict=True)
    ]


def failure_records(failures: pd.DataFrame, context: RunContext) -> list[RunRecord]:
    """One FAILED record for each row of `failures`: a fit's settings and the `reason`."""
    records = []
    for head, tags, params in _heads(failures, context):
        name, reason = _fit_name(head, int(head["members"], 16).bit_count()), head["reason"]
        said = {ERROR: reason[:_MAX_TAG], NOTE: f"This fit failed: {reason}"[:_MAX_TAG]}
        records.append(RunRecord(name, tags | said, params, metrics={}, status="FAILED"))
    return records


def _heads(
    rows: pd.DataFrame, context: RunContext
) -> Iterator[tuple[dict[Any, Any], dict[str, str], dict[str, str]]]:
    """Each row with the tags and parameters of its fit."""
    shared_tags, shared_params = _shared_tags(context), texts(context.params)
    of_learner = {name: texts(settings) for name, settings in context.learners.items()}
    heads: list[Any] = rows.to_dict("records")
    for head in heads:
        optional = (name for name in _OPTIONAL_COLUMNS if pd.notna(head[name]))
        own = {name: str(head[name]) for name in (*_FIT_COLUMNS, *optional)}
        tags = {FIT_ID: head["fit_id"]} | {f"cotrain.{name}": own[name] for name in own}
        yield head, shared_tags | tags, shared_params | of_learner.get(head["learner"], {}) | own


def _task_metrics(
    rows: pd.DataFrame, bounds: np.ndarray, scores: tuple[str, ...]
) -> Iterator[dict[str, float]]:
    """The metrics of each task of each fit, whose rows lie between two bounds."""
    task, names = pd.factorize(rows["task"])
    codes = [encode_task(name) for name in names]
    columns = []
    for column in ("n_labels", *(f"val_{score}" for score in scores)):
        keys = np.array([f"{column}/{code}" for code in codes], dtype=object)
        columns.append((keys[task].tolist(), rows[column].tolist()))
    for start, end in pairwise(bounds):
        # An undefined score is left out: MLflow averages a NaN into the whole group of runs.
        yield {
            key: float(value)
            for keys, values in columns
            for key, value in zip(keys[start:end], values[start:end], strict=True)
            if value == value
        }


def _means(rows: pd.DataFrame, starts: np.ndarray) -> list[dict[str, float]]:
    """Each score's mean over the tasks that have it, a dictionary a fit; and the labels in all."""
    if not len(rows):
        return []
    columns = [name for name in rows.columns if name.startswith(("val_", "test_"))]
    values = rows[columns].to_numpy(dtype=np.float64)
    known = ~np.isnan(values)
    totals = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
    counts = np.add.reduceat(known, starts, axis=0, dtype=np.int64)
    with np.errstate(invalid="ignore"):
        means = (totals / counts).tolist()
    n_labels = np.add.reduceat(rows["n_labels"].to_numpy(), starts).tolist()
    n_tasks = np.diff([*starts, len(rows)]).tolist()
    return [
        {"n_labels": float(labels), "n_tasks": float(tasks)}
        | {name: value for name, value in zip(columns, mean, strict=True) if value == value}
        for mean, labels, tasks in zip(means, n_labels, n_tasks, strict=True)
    ]


def _shared_tags(context: RunContext) -> dict[str, str]:
    tags = {ROLE: "fit", DATA_VERSION: context.data_version} | _SOURCE
    if context.git_commit:
        tags["mlflow.source.git.commit"] = context.git_commit
    return tags | {name: os.environ[name] for name in _DVC_VARIABLES if os.environ.get(name)}


def _fit_name(head: Mapping[str, Any], n_tasks: int) -> str:
    """A name to recognise the fit by, such as `subset of 4 tasks, level 1, repeat 0`."""
    added = f" + {head['auxiliary']}" if pd.notna(head["auxiliary"]) else ""
    what = head.get("task", "1 task") if n_tasks == 1 else f"{n_tasks} tasks"
    text = f"{head['kind']} of {what}, level {head['level']}{added}"
    tail = f", repeat {head['repeat']}"
    return text[: _MAX_NAME - len(tail)] + tail


def texts(params: Mapping[str, Any]) -> dict[str, str]:
    """Settings as MLflow keeps them: text, JSON where they are not text."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in params.items()
    }
