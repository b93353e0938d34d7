"""What a run in MLflow holds, made from rows of the fit table."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class RunContext:
    """What all fits logged in one call share.

    Attributes
    ----------
    data_version : str
        The hash of the task table's file, at most 36 characters.
    git_commit : str or None
        The commit of the study's code and settings, if it is in git.
    params : mapping of str to JSON values
        The plan's settings, flat; keys must not be those of a fit's own settings.
    learners : mapping of str to mapping of str to JSON values
        The settings of each learner, flat, by the name that fits carry.
    scores : tuple of str
        Which validation scores are logged for each task, such as `("log_loss", "auroc")`.
    dataset : str
        Name of the data set in MLflow; its digest there is the data version.
    """

    data_version: str
    git_commit: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    learners: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scores: tuple[str, ...] = ("log_loss", "auroc")
    dataset: str = "tasks"


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
        _check_length("parameter", self.params, _MAX_PARAM)
        _check_length("tag", self.tags, _MAX_TAG)

    @property
    def fit_id(self) -> str:
        return self.tags[FIT_ID]

    @property
    def final_tags(self) -> dict[str, str]:
        """The tags with the one that makes a run count, which a failed fit's has not."""
        return self.tags | ({COMPLETE: "true"} if self.status == "FINISHED" else {})


def fit_records(rows: pd.DataFrame, context: RunContext) -> list[RunRecord]:
    """One record for each fit of `rows`, in order of first appearance.

    Parameters
    ----------
    rows : DataFrame
        Rows of the fit table, one a (fit, task).
    context : RunContext
        What the fits share.

    Raises
    ------
    ValueError
        If a score of `context.scores` is no column of `rows`, or a fit holds a task twice.
    """
    if missing := [name for name in context.scores if f"val_{name}" not in rows.columns]:
        raise ValueError(f"scores must be scores of the fit table, got {', '.join(missing)}")
    if rows.duplicated(["fit_id", "task"]).any():
        raise ValueError("rows must hold each task of a fit once; drop the duplicates")
    codes, _ = pd.factorize(rows["fit_id"])
    rows = rows.iloc[np.argsort(codes, kind="stable")]
    starts = np.unique(np.sort(codes), return_index=True)[1]
    means = _means(rows, starts)
    per_task = _TaskMetrics(rows, context.scores)
    ends = np.append(starts, len(rows))[1:]
    heads = _heads(rows.iloc[starts], context)
    return [
        RunRecord(
            name=_fit_name(head, end - start),
            tags=tags,
            params=params,
            metrics=mean | per_task.between(start, end),
            scores=context.scores,
        )
        for (head, tags, params), mean, start, end in zip(heads, means, starts, ends, strict=True)
    ]


def failure_records(failures: pd.DataFrame, context: RunContext) -> list[RunRecord]:
    """One FAILED record for each row of `failures`: a fit's settings and the `reason`."""
    return [
        RunRecord(
            name=_fit_name(head, int(head["members"], 16).bit_count()),
            tags=tags | _error_tags(head["reason"]),
            params=params,
            metrics={},
            status="FAILED",
        )
        for head, tags, params in _heads(failures, context)
    ]


def _heads(
    rows: pd.DataFrame, context: RunContext
) -> Iterator[tuple[dict[Any, Any], dict[str, str], dict[str, str]]]:
    """Each row with the tags and parameters of its fit."""
    shared_tags, shared_params = _shared_tags(context), texts(context.params)
    of_learner = {name: texts(settings) for name, settings in context.learners.items()}
    heads: list[Any] = rows.to_dict("records")
    for head in heads:
        optional = (name for name in _OPTIONAL_COLUMNS if not _is_missing(head[name]))
        own = {name: str(head[name]) for name in (*_FIT_COLUMNS, *optional)}
        tags = {FIT_ID: head["fit_id"]} | {f"cotrain.{name}": own[name] for name in own}
        yield head, shared_tags | tags, shared_params | of_learner.get(head["learner"], {}) | own


class _TaskMetrics:
    """The metrics of each task, by ranges of rows."""

    def __init__(self, rows: pd.DataFrame, scores: tuple[str, ...]):
        self._codes, names = pd.factorize(rows["task"])
        encoded = [encode_task(name) for name in names]
        self._columns = [
            ([f"{column}/{code}" for code in encoded], rows[column].tolist())
            for column in ("n_labels", *(f"val_{score}" for score in scores))
        ]

    def between(self, start: int, end: int) -> dict[str, float]:
        codes = self._codes[start:end].tolist()
        # An undefined score is left out: MLflow averages a NaN into the whole group of runs.
        return {
            keys[code]: float(value)
            for keys, values in self._columns
            for code, value in zip(codes, values[start:end], strict=True)
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
    tags = {
        ROLE: "fit",
        DATA_VERSION: context.data_version,
        "mlflow.source.name": "cotrain",
        "mlflow.source.type": "LOCAL",
    }
    if context.git_commit:
        tags["mlflow.source.git.commit"] = context.git_commit
    return tags | {name: os.environ[name] for name in _DVC_VARIABLES if os.environ.get(name)}


def _error_tags(reason: str) -> dict[str, str]:
    return {ERROR: reason[:_MAX_TAG], NOTE: f"This fit failed: {reason}"[:_MAX_TAG]}


def _fit_name(head: Mapping[str, Any], n_tasks: int) -> str:
    """A name to recognise the fit by, such as `subset of 4 tasks, level 1, repeat 0`."""
    added = "" if _is_missing(head["auxiliary"]) else f" + {head['auxiliary']}"
    what = head.get("task", "1 task") if n_tasks == 1 else f"{n_tasks} tasks"
    text = f"{head['kind']} of {what}, level {head['level']}{added}"
    tail = f", repeat {head['repeat']}"
    return text[: _MAX_NAME - len(tail)] + tail


def texts(params: Mapping[str, Any]) -> dict[str, str]:
    """Settings as MLflow keeps them: text, JSON where they are not text."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in params.items()
    }


def _check_length(what: str, values: Mapping[str, str], limit: int) -> None:
    for key, value in values.items():
        if len(value) > limit:
            raise TrackingError(
                f"{what} {key} has {len(value)} characters, MLflow takes {limit}; shorten it"
            )


def _is_missing(value: Any) -> bool:
    return value is None or value != value
