"""Learning curves as small multiples: measured points, the curves fitted to them, and bands."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cotrain.report._svg import HELPS, HURTS, MAX_MARKS, UNDECIDED, label
from cotrain.report._words import score_name

_COLUMNS = 5
# Own labels only, all tasks together, and the rest of the grid: colour and mark tell them apart.
_MARKS = {"alone": (HURTS, "s"), "together": (HELPS, "o"), "augmented": (UNDECIDED, ".")}
_GROUPS = {"single": "alone", "augmentation": "augmented", "subset": "augmented"}


def curve_panels(
    curves: pd.DataFrame, points: pd.DataFrame, tasks: list[str], score: str
) -> Figure:
    """Return one panel a task: its scores against its own labels, EXP3.1 and EXP3.2."""
    n_columns = min(_COLUMNS, len(tasks))
    n_rows = -(-len(tasks) // n_columns)
    width = max(2.0 * n_columns, 4.2)
    figure = Figure(figsize=(width, 1.55 * n_rows + 0.9), layout="constrained")
    points = points.assign(group=points["kind"].map(_GROUPS).fillna("together"))
    for at, task in enumerate(tasks):
        axes = figure.add_subplot(n_rows, n_columns, at + 1)
        own, known = (part[part["task"] == task] for part in (curves, points))
        _panel(axes, own, known[known["score"].notna()], is_image=len(points) > MAX_MARKS)
        axes.set_title(label(task, 22), fontsize=7.5)
    figure.supxlabel("labels of the task trained on", fontsize=9)
    figure.supylabel(score_name(score), fontsize=9)
    figure.legend(handles=_handles(), loc="outside upper left", ncols=3 if n_columns > 2 else 1)
    return figure


def _panel(axes: Axes, curves: pd.DataFrame, known: pd.DataFrame, is_image: bool) -> None:
    style: dict[str, Any] = {"ms": 2.8, "alpha": 0.55, "mew": 0, "rasterized": is_image}
    for group, (colour, marker) in _MARKS.items():
        rows = known[known["group"] == group]
        axes.plot(rows["n_own"], rows["score"], marker, color=colour, **style)
    if len(known):
        n_own = np.linspace(known["n_own"].min(), known["n_own"].max(), 40)
        _line(axes, curves, "EXP3.1", n_own, np.zeros(40), HURTS, "--")
        _line(axes, curves, "EXP3.2", n_own, _others(known, n_own), HELPS, "-")
        # The 95 % interval of EXP3.2 where all tasks were trained together.
        band = known[known["group"] == "together"].groupby("n_own")[["low", "high"]].mean()
        axes.fill_between(band.index, band["low"], band["high"], color=HELPS, alpha=0.2, lw=0)
        # A curve that leaves the points far behind may not squeeze them into a line.
        low, high = known["score"].min(), known["score"].max()
        margin = 0.25 * (high - low) or 0.05 * abs(high) or 0.05
        axes.set_ylim(low - margin, high + margin)
    else:
        axes.text(0.5, 0.5, "no score", ha="center", va="center", transform=axes.transAxes)
    axes.locator_params(axis="both", nbins=4)
    axes.tick_params(labelsize=6.5)


def _line(
    axes: Axes,
    curves: pd.DataFrame,
    form: str,
    n_own: np.ndarray,
    n_others: np.ndarray,
    colour: str,
    dashes: str,
) -> None:
    """EXP3: c - exp(b - a_own n_own - a_others n_others), arXiv 2512.24866."""
    for _, row in curves[curves["form"].str.upper() == form].iterrows():
        a_others = 0.0 if math.isnan(row["a_others"]) else row["a_others"]
        with np.errstate(over="ignore"):  # a curve of harm can leave any range
            score = row["c"] - np.exp(row["b"] - row["a_own"] * n_own - a_others * n_others)
        score[~np.isfinite(score)] = np.nan
        axes.plot(n_own, score, dashes, color=colour, linewidth=1.3)


def _others(points: pd.DataFrame, n_own: np.ndarray) -> np.ndarray:
    """How many labels of other tasks go with `n_own` where all tasks are trained together."""
    together = points[points["group"] == "together"]
    means = together.groupby("n_own")["n_others"].mean()
    if means.empty:
        return np.full(len(n_own), points["n_others"].mean())
    return np.interp(n_own, means.index.to_numpy(float), means.to_numpy(float))


def _handles() -> list[Line2D]:
    names = {"alone": "alone", "together": "all tasks", "augmented": "subsets and augmented"}
    return [
        *(
            Line2D([], [], color=colour, marker=marker, ls="", label=names[group], ms=5)
            for group, (colour, marker) in _MARKS.items()
        ),
        Line2D([], [], color=HURTS, ls="--", label="EXP3.1: own labels"),
        Line2D([], [], color=HELPS, ls="-", label="EXP3.2: with others', 95 %"),
    ]
