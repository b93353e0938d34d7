"""The tables of the page: what is shown of each, as text."""

import math

import pandas as pd

from cotrain.report import _facts as facts
from cotrain.report._cells import (
    LONG,
    Cell,
    Header,
    HtmlTable,
    decimals_of,
    effect_cell,
    interval_cell,
    number_cell,
    p_value_cell,
    table_of,
    text_cell,
    whole_cell,
)
from cotrain.report._facts import VerdictCounts
from cotrain.report._findings import Findings
from cotrain.report._heatmaps import Matrix
from cotrain.report._words import (
    UNKNOWN,
    interval,
    interval_decimals,
    number,
    score_name,
    signed,
)

# Pairs listed by name on each side; all of them are in the tables of the study.
MAX_PAIRS = 15


def study_table(findings: Findings) -> HtmlTable:
    """Return what came in and what is in the task table."""
    return table_of(
        "From measurements to the task table",
        findings.summary,
        [("item", False, text_cell("item")), ("count", True, whole_cell("count"))],
    )


def comparison_table(findings: Findings) -> HtmlTable:
    """Return the recommended portfolio and its rivals on test labels, every score."""
    headers = tuple(
        Header(title, is_number)
        for title, is_number in (
            ("score", False),
            ("grouping", False),
            ("mean", True),
            ("worst task", True),
            ("gain over it", True),
            ("95 % interval", True),
            ("p", True),
            ("repeats", True),
            ("verdict", False),
            ("tasks won / lost / open", True),
        )
    )
    rows = []
    for score in facts.scores_compared(findings):
        mean = facts.recommended_mean(findings, score)
        blank = ("",) * 6
        worst = number(facts.worst_task(findings, facts.RECOMMENDED, score)[1])
        rows.append((score_name(score), "recommended", number(mean), worst, *blank))
        for rival in facts.rivals(findings, score):
            decimals = interval_decimals(rival.difference, rival.low, rival.high)
            rows.append(
                (
                    score_name(score),
                    rival.grouping,
                    number(rival.mean),
                    number(facts.worst_task(findings, rival.grouping, score)[1]),
                    signed(rival.difference, decimals),
                    interval(rival.low, rival.high, decimals),
                    "< 0.001" if rival.p_value < 0.001 else number(rival.p_value, 3),
                    str(rival.n_repeats),
                    rival.verdict,
                    f"{rival.wins} / {rival.loses} / {rival.n_tasks - rival.wins - rival.loses}",
                )
            )
    return HtmlTable("On test labels", headers, rows)


def grouping_cost_table(findings: Findings) -> HtmlTable:
    """Return what the recommended portfolio and its rivals cost."""
    return table_of(
        "What each grouping costs",
        findings.comparison.drop_duplicates("grouping"),
        [
            ("grouping", False, text_cell("grouping")),
            ("models", True, whole_cell("n_models")),
            ("training: labels", True, whole_cell("n_labels")),
            ("training: seconds, estimated", True, number_cell("seconds")),
        ],
        "Training is that of one repeat; a label in two groups counts twice. Seconds are those of "
        "the cost model for one core; what the clock said is in MLflow. Where several groupings "
        "have one name, all figures are their means.",
    )


def task_comparison_table(findings: Findings) -> HtmlTable:
    """Return each task's test score and its gain over every rival, by the main score."""
    score = facts.main_score(findings)
    table = facts.raw_rows(findings.task_comparison)
    table = table[table["score"] == score]
    own = table[table["grouping"] == facts.RECOMMENDED].set_index("task")["mean"]
    groupings = [rival.grouping for rival in facts.rivals(findings, score)]
    by_key = {(row["task"], row["grouping"]): row for _, row in table.iterrows()}
    headers = (
        Header("task", is_number=False),
        Header("recommended"),
        *(Header(f"gain over {grouping}") for grouping in groupings),
    )
    rows = [
        (
            task,
            number(own.get(task, math.nan)),
            *(_gain_cell(by_key.get((task, grouping))) for grouping in groupings),
        )
        for task in dict.fromkeys(table["task"])
    ]
    return HtmlTable(
        f"Test labels, task by task, by {score_name(score)}", headers, rows, len(rows) > LONG
    )


def _gain_cell(row: pd.Series | None) -> str:
    if row is None or math.isnan(row["difference"]):
        return UNKNOWN
    decimals = decimals_of(row, "difference")
    if math.isnan(row["low"]) or math.isnan(row["high"]):
        return signed(row["difference"], decimals)
    ends = interval(row["low"], row["high"], decimals)
    return f"{signed(row['difference'], decimals)} ({ends})"


def transfer_table(findings: Findings) -> HtmlTable:
    """Return single-task against all together, the largest gain first."""
    score = findings.overview.score
    ranked = findings.transfer.sort_values("gain", ascending=False, kind="stable")
    return table_of(
        f"One model a task against one for all, validation {score_name(score)}",
        ranked,
        [
            ("task", False, text_cell("task")),
            ("alone", True, number_cell("single")),
            ("all together", True, number_cell("together")),
            ("gain", True, effect_cell("gain")),
            ("95 % interval", True, interval_cell("gain")),
            ("p", True, p_value_cell),
            ("verdict", False, text_cell("verdict")),
        ],
    )


def relevance_table(findings: Findings) -> HtmlTable:
    """Return the strongest decided pairs of the surrogate, beside their targets' reliability."""
    reliability = facts.reliability_of(findings)
    table = findings.relevance
    return table_of(
        "The strongest decided effects by the surrogate",
        _strongest_pairs(table, "relevance"),
        [
            ("source", False, text_cell("source")),
            ("verdict", False, text_cell("verdict")),
            ("target", False, text_cell("target")),
            ("relevance", True, effect_cell("relevance")),
            ("95 % interval", True, interval_cell("relevance")),
            ("p", True, p_value_cell),
            (
                "target's reliability",
                True,
                lambda row: number(reliability.get(row["target"], math.nan), 2),
            ),
        ],
        _rest(table, "relevance"),
    )


def pairwise_table(findings: Findings) -> HtmlTable:
    """Return the strongest decided pairs of statTAG, the mean over levels."""
    table = findings.pairwise
    return table_of(
        "The strongest decided effects by statTAG, mean over levels",
        _strongest_pairs(table, "effect"),
        [
            ("auxiliary", False, text_cell("auxiliary")),
            ("verdict", False, text_cell("verdict")),
            ("target", False, text_cell("target")),
            ("effect", True, effect_cell("effect")),
            ("95 % interval", True, interval_cell("effect")),
            ("p", True, p_value_cell),
        ],
        _rest(table, "pairwise"),
    )


def cluster_table(findings: Findings) -> HtmlTable | None:
    """Return what tasks whose labels correlate do to each other; None if there are none."""
    table = findings.clusters
    if table.empty:
        return None
    return table_of(
        "Tasks whose labels correlate: a fold more of one for another of them",
        table[table["verdict"] != "undecided"],
        [
            ("tasks", False, text_cell("tasks")),
            ("verdict", False, text_cell("verdict")),
            ("effect", True, effect_cell("effect")),
            ("95 % interval", True, interval_cell("effect")),
            ("p", True, p_value_cell),
        ],
        _rest(table, "clusters"),
    )


def _strongest_pairs(table: pd.DataFrame, effect: str) -> pd.DataFrame:
    helps = facts.strongest(table, effect, "helps", MAX_PAIRS)
    hurts = facts.strongest(table, effect, "hurts", MAX_PAIRS)
    return pd.concat([helps, hurts])


def _rest(table: pd.DataFrame, file: str) -> str:
    counts = VerdictCounts.of(table["verdict"])
    return (
        f"{counts.helps} help, {counts.hurts} hurt, {counts.undecided} are undecided"
        f"{f', {counts.unknown} unknown' if counts.unknown else ''}; at most "
        f"{MAX_PAIRS} of each kind are listed, all are in data/analysis/{file}.csv."
    )


def reliability_table(findings: Findings) -> HtmlTable:
    """Return, per target, how well scores repeat and how well they are predicted."""
    table = findings.surrogates.sort_values("reliability", ascending=False, kind="stable")
    cells: list[tuple[str, bool, Cell]] = [
        ("target", False, text_cell("target")),
        ("subsets", True, whole_cell("n_subsets")),
        ("reliability", True, number_cell("reliability", 2)),
        ("Spearman, predicted", True, number_cell("spearman", 2)),
        ("ceiling", True, number_cell("ceiling", 2)),
        ("p of linear fit", True, number_cell("adequacy_p", 3)),
    ]
    return table_of("Reliability and prediction, target by target", table, cells)


def negative_transfer_table(findings: Findings) -> HtmlTable:
    """Return how well harm is foreseen, by the surrogate and by what needs no model."""
    return table_of(
        "Foreseeing negative transfer on held-out subsets",
        findings.negative_transfer,
        [
            ("predictor", False, _predictor),
            ("F1", True, number_cell("f1", 2)),
            ("balanced accuracy", True, number_cell("balanced_accuracy", 2)),
            ("MCC", True, number_cell("mcc", 2)),
            ("average precision", True, number_cell("average_precision", 2)),
            ("cases", True, whole_cell("n_subsets")),
            ("of them harmful", True, whole_cell("n_harmful")),
        ],
    )


_PREDICTORS = {
    "surrogate": "surrogate",
    "always": "always harmful",
    "never": "never harmful",
    "prior-random": "at random, as often as harm is",
    "majority": "what is usual for the target",
    "ceiling": "estimated ceiling: effects known without noise",
    "affinity": "mean gradient affinity",
    "cosine": "mean gradient cosine",
}


def _predictor(row: pd.Series) -> str:
    return _PREDICTORS.get(row["predictor"], row["predictor"])


def exchange_rate_table(findings: Findings) -> HtmlTable | None:
    """Return the strongest exchange rates that are decided."""
    table = facts.exchange_rates(findings)
    if table is None:
        return None
    return table_of(
        "The largest exchange rates that are decided",
        _strongest_pairs(table, "exchange_rate"),
        [
            ("source", False, text_cell("source")),
            ("verdict", False, text_cell("verdict")),
            ("target", False, text_cell("target")),
            ("exchange rate", True, effect_cell("exchange_rate")),
            ("95 % interval", True, interval_cell("exchange_rate")),
        ],
        _rest(table, "exchange_rates"),
    )


def next_labels_table(findings: Findings) -> HtmlTable | None:
    """Return what 100 labels more of each task bring, the best first."""
    table = facts.next_labels(findings)
    if table is None:
        return None
    return table_of(
        f"Where to label next: mean {score_name(findings.overview.curve_score)} over tasks",
        table,
        [
            ("rank", True, whole_cell("rank")),
            ("task", False, text_cell("task")),
            ("labels now", True, whole_cell("n_labels")),
            ("gain from 100 more", True, effect_cell("gain")),
            ("95 % interval", True, interval_cell("gain")),
        ],
    )


def curve_table(findings: Findings) -> HtmlTable:
    """Return the fitted curves, task by task."""
    return table_of(
        f"Learning curves of {score_name(findings.overview.curve_score)}",
        findings.curves,
        [
            ("task", False, text_cell("task")),
            ("form", False, lambda row: row["form"].upper()),
            ("asymptote c", True, number_cell("c")),
            ("b", True, number_cell("b")),
            ("a own, per 1,000 labels", True, lambda row: number(1000 * row["a_own"])),
            ("a others, per 1,000 labels", True, lambda row: number(1000 * row["a_others"])),
            ("exchange rate", True, number_cell("exchange_rate")),
            ("error", True, number_cell("error")),
            ("at a bound", False, lambda row: row["at_bound"] or "no"),
        ],
    )


def correlation_table(matrices: dict[str, Matrix]) -> HtmlTable:
    """Return rank correlations between measures of pairs, over the pairs that both know."""
    flat = pd.DataFrame({name: shown.values.ravel() for name, shown in matrices.items()})
    headers = (Header("", is_number=False), *map(Header, flat))
    rows = [
        (name, *(number(_rank_correlation(flat, other, name), 2) for other in flat))
        for name in flat
    ]
    return HtmlTable("Spearman correlation over the pairs that both know", headers, rows)


def _rank_correlation(flat: pd.DataFrame, one: str, other: str) -> float:
    """NaN where one of them is constant or they have fewer than 3 pairs in common."""
    both = flat[[one]].assign(other=flat[other]).dropna()
    if len(both) < 3 or both.nunique().min() < 2:
        return math.nan
    return float(both[one].rank().corr(both["other"].rank()))


def cost_table(findings: Findings) -> HtmlTable:
    """Return what the measures of pairs cost."""
    return table_of(
        "What the measures cost",
        findings.costs,
        [
            ("measure", False, text_cell("measure")),
            ("fits", True, whole_cell("n_fits")),
            ("operations, 10⁹", True, number_cell("gflop")),
            ("seconds, estimated", True, number_cell("seconds")),
        ],
    )


def excluded_table(findings: Findings) -> HtmlTable:
    """Return the tasks left out, and why."""
    return table_of(
        "Tasks left out",
        findings.excluded,
        [("task", False, text_cell("task")), ("reason", False, text_cell("reason"))],
    )


def rejects_table(findings: Findings) -> HtmlTable:
    """Return why rows of the source were rejected, with how many and the first of them."""
    groups = findings.rejects.groupby("reason", sort=True)
    rows = [
        (str(reason), f"{len(rows):,}", f"{rows['file'].iloc[0]}, row {rows['row'].iloc[0]}")
        for reason, rows in groups
    ]
    headers = (Header("reason", is_number=False), Header("rows"), Header("first", is_number=False))
    return HtmlTable(
        "Rows rejected",
        headers,
        rows,
        len(rows) > LONG,
        "All are in data/prepared/rejects.csv." if rows else "",
    )
