"""Intervals, scatter, front and learning curves: the figures that are not matrices."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from cotrain.report._svg import COLOURS, HELPS, HURTS, INK, MAX_MARKS, UNDECIDED, label
from cotrain.report._words import score_name
from cotrain.scores import find_score
from cotrain.tables import Recommendation

_COLUMNS = 5
# Own labels only, all tasks together, and the rest of the grid: colour and mark tell them apart.
_MARKS = {"alone": (HURTS, "s"), "together": (HELPS, "o"), "augmented": (UNDECIDED, ".")}
_GROUPS = {"single": "alone", "augmentation": "augmented", "subset": "augmented"}


def interval_plot(axes: Axes, table: pd.DataFrame, names: pd.Series, xlabel: str) -> None:
    """Draw one value with its interval a row, the first on top, and the line of no difference.

    `table` has the columns value, low, high and verdict, which gives the colour.
    """
    for at, (_, row) in enumerate(table.iterrows()):
        colour = COLOURS.get(row["verdict"], UNDECIDED)
        marker = {"helps": "^", "hurts": "v"}.get(row["verdict"], "o")
        face = colour if row["verdict"] in COLOURS else "white"
        axes.plot([row["low"], row["high"]], [at, at], color=colour, linewidth=1.6)
        axes.plot([row["value"]], [at], marker, color=colour, markerfacecolor=face, markersize=5.5)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_yticks(range(len(table)), [label(name) for name in names])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(xlabel)


def forest(rivals: dict[str, pd.DataFrame]) -> Figure:
    # A base rate is so far behind that beside it nothing else could be told apart.
    rivals = {score: table[table["grouping"] != "base rate"] for score, table in rivals.items()}
    n_rows = max(map(len, rivals.values()))
    layout = ConstrainedLayoutEngine(wspace=0.06)  # tick labels of two panels may not run together
    figure = Figure(figsize=(9, 1.3 + 0.38 * n_rows), layout=layout)
    verdicts = {"verdict": {"better": "helps", "worse": "hurts"}}
    for at, (score, table) in enumerate(rivals.items()):
        axes = figure.add_subplot(1, len(rivals), at + 1)
        rows = table.replace(verdicts).rename(columns={"difference": "value"})
        interval_plot(axes, rows, table["grouping"], f"gain in {score_name(score)}")
        axes.locator_params(axis="x", nbins=5)
        axes.set_title(f"by {score_name(score)}")
        if at:
            axes.set_yticklabels([])
    return figure


def gains(table: pd.DataFrame, xlabel: str) -> Figure:
    figure = Figure(figsize=(8, 1.0 + 0.23 * max(len(table), 3)), layout="constrained")
    rows = table.rename(columns={"gain": "value"})
    interval_plot(figure.add_subplot(), rows, table["task"], xlabel)
    return figure


def predictions(table: pd.DataFrame, score: str) -> Figure:
    figure = Figure(figsize=(5.6, 5.2), layout="constrained")
    axes = figure.add_subplot()
    style: dict[str, Any] = {
        "ms": 3.2,
        "mew": 0,
        "alpha": 0.5,
        "rasterized": len(table) > MAX_MARKS,
    }
    for is_harmful, colour, marker in ((False, HELPS, "o"), (True, HURTS, "v")):
        rows = table[table["harmful"] == is_harmful]
        name = f"{'' if is_harmful else 'not '}harmful ({len(rows):,})"
        axes.plot(rows["predicted"], rows["measured"], marker, color=colour, label=name, **style)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.axline((0, 0), slope=1, color=UNDECIDED, linewidth=1, linestyle="--")
    gain = f"gain in {score_name(score)}"
    axes.set(xlabel=f"predicted {gain}", ylabel=f"measured {gain}")
    axes.legend(loc="upper left", markerscale=1.8)
    return figure


def front(table: pd.DataFrame, n_recommended: int, score: str) -> Figure:
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.add_subplot()
    rows = table.sort_values("n_groups")
    axes.plot("n_groups", "value", "-o", data=rows, color=HELPS, markersize=5, label="best found")
    chosen = rows[rows["n_groups"] == n_recommended]
    if len(chosen):
        ring: dict[str, Any] = {"color": HURTS, "mfc": "none", "ms": 12, "mew": 1.6}
        axes.plot("n_groups", "value", "o", data=chosen, label="recommended", **ring)
    if len(rows) <= 15:
        axes.set_xticks(rows["n_groups"])
    axes.set(xlabel="number of models", ylabel=_predicted(score))
    axes.legend()
    return figure


def search(trials: pd.DataFrame, best: Recommendation) -> Figure:
    """Return the best value found so far against the number of trials, with the proof's bound."""
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.add_subplot()
    ordered = trials.sort_values("number")
    n_trials = ordered["number"] + 1
    sign = find_score(best.score).sign
    found = sign * (sign * ordered["value"]).cummax()
    if math.isfinite(best.bound):
        name = "proven: the best there is" if best.is_optimal else "proven: none can be better"
        axes.axhline(best.bound, color=INK, linewidth=1, linestyle="--", label=name)
    axes.step(n_trials, found, where="post", color=HELPS, linewidth=1.8, label="best found so far")
    is_warm = ordered["warm_start"]
    if is_warm.any():
        mark: dict[str, Any] = {"color": HURTS, "mfc": "white", "ms": 5, "label": "at a warm start"}
        axes.plot(n_trials[is_warm], found[is_warm], "D", **mark)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="number of trials", ylabel=_predicted(best.score))
    axes.legend()
    return figure


def _predicted(score: str) -> str:
    better = "higher" if find_score(score).higher_is_better else "lower"
    return f"predicted mean {score_name(score)}\n({better} is better)"


def affinity_steps(table: pd.DataFrame) -> Figure:
    """Return the pairs' affinities over training, and how far each step ranks pairs as others."""
    figure = Figure(figsize=(9, 3.0), layout="constrained")
    spread, agreement = figure.subplots(1, 2)
    step = table["step"]
    for low, high, alpha, name in (
        ("p05", "p95", 0.18, "nine in ten pairs"),
        ("p25", "p75", 0.35, "half of the pairs"),
    ):
        style = {"color": HELPS, "alpha": alpha, "lw": 0, "label": name}
        spread.fill_between(step, table[low], table[high], **style)
    spread.plot(step, table["p50"], color=HELPS, linewidth=1.6, label="the median pair")
    spread.set_ylabel("affinity")
    spread.ticklabel_format(axis="y", scilimits=(-2, 3))
    spread.legend()
    agreement.plot(step, table["rank_correlation"], "-o", color=HELPS, markersize=4)
    agreement.set_ylim(min(-0.2, 1.1 * table["rank_correlation"].min()), 1)
    agreement.set_ylabel("rank correlation with the\nmean of all other steps")
    for axes in (spread, agreement):
        axes.axhline(0, color=INK, linewidth=0.9)
        axes.set_xlabel("training step")
    return figure


def curve_panels(
    curves: pd.DataFrame, points: pd.DataFrame, tasks: list[str], score: str
) -> Figure:
    """Return one panel a task: its scores against its own labels, EXP3.1 and EXP3.2."""
    n_columns = min(_COLUMNS, len(tasks))
    n_rows = -(-len(tasks) // n_columns)
    figure = Figure(figsize=(max(2.0 * n_columns, 4.2), 1.55 * n_rows + 0.9), layout="constrained")
    points = points.assign(group=points["kind"].map(_GROUPS).fillna("together"))
    for at, task in enumerate(tasks):
        axes = figure.add_subplot(n_rows, n_columns, at + 1)
        own, known = (part[part["task"] == task] for part in (curves, points))
        _panel(axes, own, known[known["score"].notna()], is_image=len(points) > MAX_MARKS)
        axes.set_title(label(task, 22), fontsize=7.5)
    figure.supxlabel("labels of the task trained on", fontsize=9)
    figure.supylabel(score_name(score), fontsize=9)
    names = {"alone": "alone", "together": "all tasks", "augmented": "subsets and augmented"}
    handles = [
        Line2D([], [], color=colour, marker=marker, ls="", label=names[group], ms=5)
        for group, (colour, marker) in _MARKS.items()
    ]
    handles += [
        Line2D([], [], color=HURTS, ls="--", label="EXP3.1: own labels"),
        Line2D([], [], color=HELPS, ls="-", label="EXP3.2: with others', 95 %"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3 if n_columns > 2 else 1)
    return figure


def _panel(axes: Axes, curves: pd.DataFrame, known: pd.DataFrame, is_image: bool) -> None:
    style: dict[str, Any] = {"ms": 2.8, "alpha": 0.55, "mew": 0, "rasterized": is_image}
    for group, (colour, marker) in _MARKS.items():
        rows = known[known["group"] == group]
        axes.plot(rows["n_own"], rows["score"], marker, color=colour, **style)
    if len(known):
        n_own = np.linspace(known["n_own"].min(), known["n_own"].max(), 40)
        # EXP3: c - exp(b - a_own n_own - a_others n_others), arXiv 2512.24866.
        for form, n_others, colour, dashes in (
            ("EXP3.1", np.zeros(40), HURTS, "--"),
            ("EXP3.2", _others(known, n_own), HELPS, "-"),
        ):
            for _, row in curves[curves["form"].str.upper() == form].iterrows():
                a_others = 0.0 if math.isnan(row["a_others"]) else row["a_others"]
                with np.errstate(over="ignore"):  # a curve of harm can leave any range
                    score = row["c"] - np.exp(row["b"] - row["a_own"] * n_own - a_others * n_others)
                score[~np.isfinite(score)] = np.nan
                axes.plot(n_own, score, dashes, color=colour, linewidth=1.3)
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


def _others(points: pd.DataFrame, n_own: np.ndarray) -> np.ndarray:
    """How many labels of other tasks go with `n_own` where all tasks are trained together."""
    means = points[points["group"] == "together"].groupby("n_own")["n_others"].mean()
    if means.empty:
        return np.full(len(n_own), points["n_others"].mean())
    return np.interp(n_own, means.index.to_numpy(float), means.to_numpy(float))
