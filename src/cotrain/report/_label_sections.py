"""What labels are worth, section by section."""

from cotrain.report import _facts as facts
from cotrain.report import _plots
from cotrain.report import _sentences as say
from cotrain.report._curve_panels import curve_panels
from cotrain.report._findings import Findings
from cotrain.report._heatmaps import colour_limit
from cotrain.report._page import Section, Table, texts_of, when
from cotrain.report._pairs import Pairs
from cotrain.report._svg import Picture
from cotrain.report._transfer_sections import MAX_GAIN_ROWS, strongest
from cotrain.report._words import number, score_name
from cotrain.words import count

_MAX_PANELS = 30


def curves(findings: Findings) -> Section:
    points, score = findings.curve_points, findings.overview.curve_score
    moved = findings.transfer["gain"].abs().sort_values(ascending=False, kind="stable")
    chosen = set(findings.transfer["task"].loc[moved.index[:_MAX_PANELS]])
    tasks = [task for task in findings.tasks if task in chosen]
    figure = Picture(
        "learning_curves",
        "Learning curves",
        lambda: curve_panels(findings.curves, points, tasks, score),
    )
    table = findings.curves.replace({"at_bound": {"": "no"}})
    table["form"] = table["form"].str.upper()
    return Section(
        "curves",
        "Learning curves: what labels are worth",
        [
            say.curves(findings),
            f"The figure shows {_MAX_PANELS} of {count(len(findings.tasks), 'task')}: those that "
            "training together moves most, up or down. The table has all."
            if len(tasks) < len(findings.tasks)
            else "",
        ],
        when(tasks and points["score"].notna().any(), figure),
        [
            Table(
                f"Learning curves of {score_name(score)}",
                texts_of(table, "task form c b a_own a_others exchange_rate error at_bound"),
            )
        ],
    )


def labels(findings: Findings, pairs: Pairs) -> Section:
    rates, gains = facts.exchange_rates(findings), facts.next_labels(findings)
    title = "Where to label next, and what a label is worth to another task"
    if facts.nothing_learnt(findings):
        said = "No model is better than its base rate, so curves of its scores tell of no label."
        return Section("labels", title, [said])
    if rates is None or gains is None:
        return Section("labels", title, ["The fits at hand tell too little of this to say."])
    score = score_name(findings.overview.curve_score)
    best = gains[gains["gain"].notna()].head(MAX_GAIN_ROWS)
    figure = Picture(
        "next_labels",
        "Where the next labels pay",
        lambda: _plots.gains(best, f"gain in mean {score} from 100 labels more"),
    )
    # A target that learns little from its own labels has rates without measure, and beyond 1 a
    # foreign label would be worth more than an own.
    limit = min(colour_limit(pairs.matrices["exchange rate"].values, 0.95), 1.0)
    beyond = count((rates["exchange_rate"].abs() > limit).sum(), "cell lies", "cells lie")
    heat_map = pairs.heat_map(
        "exchange_rates",
        "How many labels of a target one label of a source is worth",
        "exchange rate",
        "exchange rate: labels of the target",
        limit,
    )
    return Section(
        "labels",
        title,
        [
            say.next_labels(findings),
            say.exchange_rates(findings),
            f"Colours end at −{number(limit)} and {number(limit)}; {beyond} beyond.",
            f"The figure of gains shows the highest {MAX_GAIN_ROWS} of {len(gains)} tasks; the "
            "table has all."
            if len(gains) > MAX_GAIN_ROWS
            else "",
        ],
        [figure, *heat_map],
        [
            Table(
                f"Where to label next: mean {score} over tasks, 100 labels more",
                texts_of(gains, "rank task n_labels gain"),
            ),
            strongest(rates, "source verdict target exchange_rate", "exchange_rates"),
        ],
    )
