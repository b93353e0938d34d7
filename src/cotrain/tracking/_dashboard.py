"""The experiment's page in MLflow: a note, and a view that compares kinds of fits.

The page loads a hundred runs at a time, so charts over thousands of fits would show whichever came
last. Therefore each kind of fit gets one run of its own, holding the means over all its fits.

The view is MLflow's shared view state, a JSON text in a tag of the experiment. Its format is
internal to MLflow; this one was seen working with mlflow >=3.17,<3.18.
"""

import json
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from cotrain.tracking._names import encode_task
from cotrain.tracking._records import NOTE, ROLE, Summary
from cotrain.tracking._store import Store

_KINDS, _FITS = "cotrain-kinds", "cotrain-fits"
_VIEW_TAG = "mlflow.sharedViewState."
READY = f"{_VIEW_TAG}{_KINDS}"  # the tag of an experiment that has the view
_MAIN = "main"  # the section of the prepared charts


def prepare(store: Store, experiment_id: str, rows: pd.DataFrame) -> None:
    """Write the runs of the kinds, the views and the note."""
    scores = [name for name in rows.columns if name.startswith("val_") and rows[name].notna().any()]
    by_kind: Any = rows.drop_duplicates(["fit_id", "kind", "task"]).groupby(["kind", "level"])
    kinds = [_kind(str(kind), int(level), part, scores) for (kind, level), part in by_kind]
    store.write_summaries(kinds, "kind")
    for key, view in ((_KINDS, _kinds_view(scores)), (_FITS, _fits_view(scores))):
        store.tag_experiment(f"{_VIEW_TAG}{key}", json.dumps(view))
    store.tag_experiment(NOTE, _note(experiment_id))


def url(base: str, experiment_id: str, view: str = _KINDS) -> str:
    """The address of a view."""
    # Without its type the page opens on traces.
    shown = {"workflowType": "machine_learning", "viewStateShareKey": view}
    query = urlencode(shown | {"compareRunsMode": "CHART"})
    return f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs?{query}"


def _kind(kind: str, level: int, rows: pd.DataFrame, scores: list[str]) -> Summary:
    """Means over the fits of a kind: of each task first, so that all tasks weigh alike."""
    by_task = rows.groupby("task")[scores].mean()
    metrics = {name: float(by_task[name].mean()) for name in scores}
    metrics["n_fits"] = float(rows["fit_id"].nunique())
    metrics["labels_per_task"] = float(rows.groupby("task")["n_labels"].mean().mean())
    metrics["tasks_per_fit"] = float(rows.groupby("fit_id").size().mean())
    for name in scores:
        metrics |= {f"{name}/{encode_task(str(t))}": float(v) for t, v in by_task[name].items()}
    return Summary(
        role="kind",
        subject=f"{kind}, level {level}",
        params={"kind": kind, "level": level},
        metrics=metrics,
        tags={"cotrain.kind": kind, "cotrain.level": str(level)},
    )


def _kinds_view(scores: list[str]) -> dict[str, Any]:
    bars = [_chart("BAR", f"bar-{name}", metricKey=name, runsCountToCompare=100) for name in scores]
    return _view(
        "kind",
        "Kinds of fits: means over tasks",
        charts=[*bars, *_scatters("labels_per_task", scores)],
        folded=scores,
        params=["kind", "level"],
        metrics=["n_fits", *scores, "labels_per_task"],
    )


def _fits_view(scores: list[str]) -> dict[str, Any]:
    axes = {"selectedParams": ["kind"], "selectedMetrics": ["n_labels", *scores]}
    return _view(
        "fit",
        "Fits, by kind and labels",
        charts=[
            _chart("PARALLEL", "parallel", **axes, showAllRuns=True),
            *_scatters("n_labels", scores),
        ],
        folded=["n_labels", *scores],
        params=["kind", "level", "auxiliary", "repeat"],
        metrics=["n_tasks", *scores],
    )


def _view(
    role: str,
    title: str,
    charts: list[dict[str, Any]],
    folded: list[str],
    params: list[str],
    metrics: list[str],
) -> dict[str, Any]:
    # MLflow makes a chart of every other metric, in sections of its own: folded, they cost nothing.
    others = [*folded, "Model metrics", "System metrics"]
    sections = [(_MAIN, title, True), *((name, name, False) for name in others)]
    columns = [f"params.`{name}`" for name in params] + [f"metrics.`{name}`" for name in metrics]
    return {
        "searchFilter": f"tags.`{ROLE}` = '{role}'",
        "orderByKey": "attributes.`Created`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "selectedColumns": columns,
        "runsHiddenMode": "SHOW_ALL",
        "groupBy": None,
        "hideEmptyCharts": True,
        "isAccordionReordered": True,
        "compareRunSections": [
            {"uuid": uuid, "name": name, "display": shown, "isReordered": True, "columns": 2}
            for uuid, name, shown in sections
        ],
        "compareRunCharts": charts,
    }


def _chart(kind: str, uuid: str, **what: Any) -> dict[str, Any]:
    return {"type": kind, "uuid": uuid, "metricSectionId": _MAIN, **what}


def _scatters(x: str, scores: list[str]) -> list[dict[str, Any]]:
    x_axis = {"key": x, "type": "METRIC"}
    return [
        _chart(
            "SCATTER",
            f"scatter-{score}",
            xaxis=x_axis,
            yaxis={"key": score, "type": "METRIC"},
            runsCountToCompare=1000,
        )
        for score in scores
    ]


def _note(experiment_id: str) -> str:
    kinds, fits = (url("", experiment_id, view) for view in (_KINDS, _FITS))
    # MLflow shows line ends as they are, so each paragraph is one line.
    return (
        "Each run is one fit: a model trained on some tasks' labels with one seed.\n\n"
        f"- [Kinds of fits compared]({kinds}): one run a kind and level, with the means over all "
        "its fits; each task weighs the same. The folded sections compare the kinds on each task.\n"
        f"- [The fits themselves]({fits}): the newest hundred; *Load more* below the table for the "
        "others.\n\n"
        "Kinds: **single** a task alone; **together** all tasks; **subset** some tasks; **level** "
        "all tasks on fewer labels; **augmentation** a level with more labels of one task, the "
        "*auxiliary*; **group** one of a grouping, recommended or to compare with. The level is "
        "the number of training folds.\n\n"
        "Log loss and MSE are better when lower, the other scores when higher."
    )
