"""The figures of a report, in the order of the page; one that would show nothing is left out."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from cotrain.report import _curve_panels, _heatmaps, _plots
from cotrain.report import _facts as facts
from cotrain.report._findings import Findings
from cotrain.report._heatmaps import Matrix, clustered_order, colour_limit, matrix
from cotrain.report._svg import Picture, draw
from cotrain.report._words import count, score_name

# Limits that keep figures readable; what they leave out is in the tables of the page.
MAX_GAIN_ROWS = 40
MAX_PANELS = 30

Pictures = dict[str, Picture]
Matrices = dict[str, Matrix]

_GAIN = ["task", "gain", "low", "high", "verdict"]


def pictures_of(findings: Findings, matrices: Matrices) -> Pictures:
    """Return the figures by name; `matrices` are those of `pair_matrices`."""
    made = (
        *_comparison(findings),
        *_heat_maps(findings, matrices),
        *_affinity_steps(findings),
        *_curves(findings),
        *_gains(findings),
        *_predictions(findings),
        *_search(findings),
    )
    return {picture.name: picture for picture in made}


def panel_tasks(findings: Findings) -> list[str]:
    """Return the tasks whose curves are drawn: those that training together moves most.

    In the order of the task table; all of them where there is room.
    """
    table = findings.transfer
    moved = table["gain"].abs().sort_values(ascending=False, kind="stable", na_position="last")
    chosen = set(table["task"].loc[moved.index[:MAX_PANELS]])
    return [task for task in findings.tasks if task in chosen]


def pair_matrices(findings: Findings) -> Matrices:
    """Return every measure of ordered pairs that the study has, by its name."""
    tasks = findings.tasks
    pairwise = findings.pairwise
    found = {
        "surrogate relevance": matrix(findings.relevance, tasks, "source", "relevance", "verdict"),
        "statTAG": matrix(pairwise, tasks, "auxiliary", "effect", "verdict"),
    }
    if (rates := facts.exchange_rates(findings)) is not None:
        found["exchange rate"] = matrix(rates, tasks, "source", "exchange_rate", "verdict")
    if not findings.affinity.empty:
        found["affinity"] = matrix(findings.affinity, tasks, "source", "affinity", None)
        found["gradient cosine"] = matrix(findings.affinity, tasks, "source", "cosine", None)
    return found


def rate_limit(shown: Matrix) -> float:
    """Return where the colours of exchange rates end: a target that learns little from its own
    labels has rates without measure, and beyond 1 a foreign label would be worth more than an own.
    """
    return min(colour_limit(shown.values, 0.95), 1.0)


def _comparison(findings: Findings) -> Iterator[Picture]:
    rivals = {score: facts.rivals(findings, score) for score in facts.scores_compared(findings)[:2]}
    rivals = {score: rows for score, rows in rivals.items() if rows}
    if rivals:
        yield draw(
            "comparison",
            "The recommended portfolio against its rivals, on test labels",
            "Gain of the recommended portfolio over "
            f"{count(len(next(iter(rivals.values()))), 'rival')} with 95 % intervals; the table "
            "below has the numbers.",
            lambda: _plots.forest(rivals),
        )


def _heat_maps(findings: Findings, matrices: Matrices) -> Iterator[Picture]:
    """All in one order, so that they can be compared by eye."""
    view = findings.overview
    order = clustered_order(matrices["surrogate relevance"].values)
    names = [findings.tasks[at] for at in order]
    for measure, name, title, source, unit in (
        (
            "surrogate relevance",
            "relevance",
            "What a source task adds to a target task, by the linear surrogate",
            "source",
            f"relevance: gain in {score_name(view.score)}",
        ),
        (
            "statTAG",
            "pairwise",
            "What one fold more of an auxiliary task adds to a target task (statTAG)",
            "auxiliary",
            f"gain in {score_name(view.curve_score)}",
        ),
        (
            "exchange rate",
            "exchange_rates",
            "How many labels of a target one label of a source is worth",
            "source",
            "exchange rate: labels of the target",
        ),
    ):
        shown = matrices.get(measure)
        if shown is None or np.isnan(shown.values).all():
            continue
        limit = rate_limit(shown) if measure == "exchange rate" else colour_limit(shown.values)
        yield draw(
            name,
            title,
            f"Heat map of {len(names)} target tasks by {len(names)} {source} tasks; "
            f"{int(shown.is_decided.sum())} cells are decided, the others are faded or not known.",
            partial(_heatmaps.heat_map, shown.ordered(order), names, source, unit, limit),
        )
    if not findings.affinity.empty:
        three = ("affinity", "surrogate relevance", "statTAG")
        beside = {name: matrices[name].ordered(order) for name in three}
        yield draw(
            "affinity",
            "Three measures of what one task does to another, in one order",
            "Three heat maps side by side: gradient affinity, surrogate relevance and statTAG.",
            lambda: _heatmaps.heat_maps(beside, names, "source"),
        )


def _affinity_steps(findings: Findings) -> Iterator[Picture]:
    table = facts.affinity_steps(findings)
    if table is not None and len(table) > 1:
        yield draw(
            "affinity_steps",
            "Gradient affinity over training",
            f"Quantiles over pairs of the affinity at {count(len(table), 'training step')}, and "
            "the rank correlation of each step with the mean of all others.",
            lambda: _plots.affinity_steps(table),
        )


def _curves(findings: Findings) -> Iterator[Picture]:
    tasks, score = panel_tasks(findings), findings.overview.curve_score
    if tasks and not findings.curve_points["score"].isna().all():
        yield draw(
            "learning_curves",
            "Learning curves",
            f"Measured {score_name(score)} against the number of training labels for "
            f"{count(len(tasks), 'task')}, with the fitted curves EXP3.1 and EXP3.2.",
            lambda: _curve_panels.curve_panels(
                findings.curves, findings.curve_points, tasks, score
            ),
        )


def _gains(findings: Findings) -> Iterator[Picture]:
    shown = _plots.extremes(findings.transfer, MAX_GAIN_ROWS)
    if not shown.empty:
        n_tasks, score = findings.transfer["gain"].count(), score_name(findings.overview.score)
        which = f"the {len(shown)} most moved of {n_tasks}" if len(shown) < n_tasks else n_tasks
        yield draw(
            "single_against_together",
            "What one model for all tasks gains over one model a task",
            f"Gain in {score} for {which} tasks with 95 % intervals.",
            lambda: _plots.gains(shown[_GAIN], f"gain in {score}"),
        )
    table = facts.next_labels(findings)
    if table is not None:
        best = table[table["gain"].notna()].head(MAX_GAIN_ROWS)
        curve_score = score_name(findings.overview.curve_score)
        yield draw(
            "next_labels",
            "Where the next labels pay",
            f"Expected gain in mean {curve_score} over tasks from 100 labels more of one task, "
            f"with 95 % intervals, for {count(len(best), 'task')}, the highest first.",
            lambda: _plots.gains(best[_GAIN], f"gain in mean {curve_score} from 100 labels more"),
        )


def _predictions(findings: Findings) -> Iterator[Picture]:
    known = findings.predictions.dropna(subset=["measured", "predicted"])
    score = findings.overview.score
    if not known.empty:
        yield draw(
            "predictions",
            "Predicted and measured gains of held-out subsets",
            f"Scatter plot of {count(len(findings.predictions), 'held-out case')}: predicted "
            f"against measured gain in {score_name(score)} over training alone.",
            lambda: _plots.predictions(known, score),
        )


def _search(findings: Findings) -> Iterator[Picture]:
    best, trials = findings.recommendation, findings.trials.dropna(subset=["value"])
    score = score_name(best.score)
    if not findings.front["value"].isna().all():
        yield draw(
            "front",
            "Number of models against predicted score",
            f"Predicted mean {score} of the best grouping for each number of models; "
            f"{count(len(best.groups), 'model')} recommended.",
            lambda: _plots.front(findings.front, len(best.groups), best.score),
        )
    if not trials.empty:
        yield draw(
            "search",
            "What the search found, trial by trial",
            f"Best predicted mean {score} found so far against the number of trials, "
            f"{len(trials):,} in all, with warm starts marked and the bound of the exact search.",
            lambda: _plots.search(trials, best),
        )
