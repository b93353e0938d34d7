"""The figures of a report, in the order of the page; one that would show nothing is left out."""

import numpy as np
import pandas as pd

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

_GAIN = ["task", "gain", "low", "high", "verdict"]


def pictures_of(findings: Findings) -> Pictures:
    """Return the figures by name."""
    made = (
        _comparison(findings),
        _together(findings),
        _relevance(findings),
        _pairwise(findings),
        _affinity(findings),
        _affinity_steps(findings),
        _curves(findings),
        _exchange_rates(findings),
        _next_labels(findings),
        _predictions(findings),
        _front(findings),
        _search(findings),
    )
    return {picture.name: picture for picture in made if picture is not None}


def panel_tasks(findings: Findings) -> list[str]:
    """Return the tasks whose curves are drawn: those that training together moves most.

    In the order of the task table; all of them where there is room.
    """
    table = findings.transfer
    moved = table["gain"].abs().sort_values(ascending=False, kind="stable", na_position="last")
    chosen = set(table["task"].loc[moved.index[:MAX_PANELS]])
    return [task for task in findings.tasks if task in chosen]


def pair_matrices(findings: Findings) -> dict[str, Matrix]:
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


def rank_correlations(matrices: dict[str, Matrix]) -> pd.DataFrame:
    """Return the Spearman correlations of the measures, over the pairs that both know."""
    flat = pd.DataFrame({name: shown.values.ravel() for name, shown in matrices.items()})
    # Ranked pair by pair of measures; one that is constant or has fewer than 3 pairs has none.
    names = list(flat)
    result = pd.DataFrame(np.nan, index=names, columns=names)
    for one in names:
        for other in names:
            both = flat[[one]].assign(other=flat[other]).dropna()
            if len(both) >= 3 and both.nunique().min() > 1:
                result.loc[one, other] = both[one].rank().corr(both["other"].rank())
    return result


def _comparison(findings: Findings) -> Picture | None:
    rivals = {score: facts.rivals(findings, score) for score in facts.scores_compared(findings)[:2]}
    rivals = {score: rows for score, rows in rivals.items() if rows}
    if not rivals:
        return None
    return draw(
        "comparison",
        "The recommended portfolio against its rivals, on test labels",
        f"Gain of the recommended portfolio over {count(len(next(iter(rivals.values()))), 'rival')}"
        f" with 95 % intervals; the table below has the numbers.",
        lambda: _plots.forest(rivals),
    )


def _together(findings: Findings) -> Picture | None:
    shown = _plots.extremes(findings.transfer, MAX_GAIN_ROWS)
    if shown.empty:
        return None
    n_tasks = int(findings.transfer["gain"].notna().sum())
    which = f"the {len(shown)} most moved of {n_tasks}" if len(shown) < n_tasks else str(n_tasks)
    score = findings.overview.score
    return draw(
        "single_against_together",
        "What one model for all tasks gains over one model a task",
        f"Gain in {score_name(score)} for {which} tasks with 95 % intervals.",
        lambda: _plots.gains(shown[_GAIN], f"gain in {score_name(score)}"),
    )


def _relevance(findings: Findings) -> Picture | None:
    shown = pair_matrices(findings)["surrogate relevance"]
    return _heat_map(
        findings,
        shown,
        "relevance",
        "What a source task adds to a target task, by the linear surrogate",
        "source",
        f"relevance: gain in {score_name(findings.overview.score)}",
    )


def _pairwise(findings: Findings) -> Picture | None:
    shown = pair_matrices(findings)["statTAG"]
    return _heat_map(
        findings,
        shown,
        "pairwise",
        "What one fold more of an auxiliary task adds to a target task (statTAG)",
        "auxiliary",
        f"gain in {score_name(findings.overview.curve_score)}",
    )


def _heat_map(
    findings: Findings,
    shown: Matrix,
    name: str,
    title: str,
    source: str,
    unit: str,
    limit: float | None = None,
) -> Picture | None:
    if np.isnan(shown.values).all():
        return None
    order = _order(findings)
    names = [findings.tasks[at] for at in order]
    n_decided = int(shown.is_decided.sum())
    return draw(
        name,
        title,
        f"Heat map of {len(names)} target tasks by {len(names)} {source} tasks; {n_decided} cells "
        "are decided, the others are faded or not known.",
        lambda: _heatmaps.heat_map(shown.ordered(order), names, source, unit, limit),
    )


def _affinity(findings: Findings) -> Picture | None:
    if findings.affinity.empty:
        return None
    order = _order(findings)
    names = [findings.tasks[at] for at in order]
    chosen = ("affinity", "surrogate relevance", "statTAG")
    matrices = pair_matrices(findings)
    shown = {name: matrices[name].ordered(order) for name in chosen}
    return draw(
        "affinity",
        "Three measures of what one task does to another, in one order",
        "Three heat maps side by side: gradient affinity, surrogate relevance and statTAG.",
        lambda: _heatmaps.heat_maps(shown, names, "source"),
    )


def _affinity_steps(findings: Findings) -> Picture | None:
    table = facts.affinity_steps(findings)
    if table is None or len(table) < 2:
        return None
    return draw(
        "affinity_steps",
        "Gradient affinity over training",
        f"Quantiles over pairs of the affinity at {count(len(table), 'training step')}, and the "
        "rank correlation of each step with the mean of all others.",
        lambda: _plots.affinity_steps(table),
    )


def _order(findings: Findings) -> "np.ndarray":
    """One order for every heat map of the page, so that they can be compared by eye."""
    return clustered_order(pair_matrices(findings)["surrogate relevance"].values)


def _curves(findings: Findings) -> Picture | None:
    tasks = panel_tasks(findings)
    if not tasks or findings.curve_points["score"].isna().all():
        return None
    score = findings.overview.curve_score
    return draw(
        "learning_curves",
        "Learning curves",
        f"Measured {score_name(score)} against the number of training labels for "
        f"{count(len(tasks), 'task')}, with the fitted curves EXP3.1 and EXP3.2.",
        lambda: _curve_panels.curve_panels(findings.curves, findings.curve_points, tasks, score),
    )


def _exchange_rates(findings: Findings) -> Picture | None:
    shown = pair_matrices(findings).get("exchange rate")
    if shown is None:
        return None
    return _heat_map(
        findings,
        shown,
        "exchange_rates",
        "How many labels of a target one label of a source is worth",
        "source",
        "exchange rate: labels of the target",
        rate_limit(shown),
    )


def _next_labels(findings: Findings) -> Picture | None:
    table = facts.next_labels(findings)
    if table is None:
        return None
    shown = table[table["gain"].notna()].head(MAX_GAIN_ROWS)
    score = score_name(findings.overview.curve_score)
    return draw(
        "next_labels",
        "Where the next labels pay",
        f"Expected gain in mean {score} over tasks from 100 labels more of one task, with 95 % "
        f"intervals, for {count(len(shown), 'task')}, the highest first.",
        lambda: _plots.gains(shown[_GAIN], f"gain in mean {score} from 100 labels more"),
    )


def _predictions(findings: Findings) -> Picture | None:
    if not _plots.has_points(findings.predictions):
        return None
    score = findings.overview.score
    return draw(
        "predictions",
        "Predicted and measured gains of held-out subsets",
        f"Scatter plot of {count(len(findings.predictions), 'held-out case')}: predicted against "
        f"measured gain in {score_name(score)} over training alone.",
        lambda: _plots.predictions(findings.predictions, score),
    )


def _front(findings: Findings) -> Picture | None:
    if findings.front["value"].isna().all():
        return None
    best = findings.recommendation
    return draw(
        "front",
        "Number of models against predicted score",
        f"Predicted mean {score_name(best.score)} of the best grouping for each number of models; "
        f"{count(len(best.groups), 'model')} recommended.",
        lambda: _plots.front(findings.front, len(best.groups), best.score),
    )


def _search(findings: Findings) -> Picture | None:
    trials = findings.trials.dropna(subset=["value"])
    if trials.empty:
        return None
    best = findings.recommendation
    return draw(
        "search",
        "What the search found, trial by trial",
        f"Best predicted mean {score_name(best.score)} found so far against the number of trials, "
        f"{len(trials):,} in all, with warm starts marked and the bound of the exact search.",
        lambda: _plots.search(trials, best),
    )
