"""The tables of the page: what is shown of each, as text; None where there is nothing to show."""

import math

import pandas as pd

from cotrain.report import _facts as facts
from cotrain.report._cells import (
    Cell,
    Header,
    HtmlTable,
    decimals_of,
    effect,
    figure,
    p_value,
    table_of,
    tested,
    whole,
    word,
    words,
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
    return table_of(
        "From measurements to the task table",
        findings.summary,
        words("item") | {"count": whole("count")},
    )


def comparison_table(findings: Findings) -> HtmlTable:
    """Return the recommended portfolio and its rivals on test labels, every score."""
    headers = [
        Header(title, is_number=title not in ("score", "grouping", "verdict"))
        for title in (
            *("score", "grouping", "mean", "worst task", "gain over it", "95 % interval", "p"),
            *("repeats", "verdict", "tasks won / lost / open"),
        )
    ]
    rows = []
    for score in facts.scores_compared(findings):
        mean = number(facts.recommended_mean(findings, score))
        worst = number(facts.worst_task(findings, facts.RECOMMENDED, score)[1])
        rows.append([score_name(score), "recommended", mean, worst, *[""] * 6])
        for rival in facts.rivals(findings, score):
            decimals = interval_decimals(rival.difference, rival.low, rival.high)
            rows.append(
                [
                    score_name(score),
                    rival.grouping,
                    number(rival.mean),
                    number(facts.worst_task(findings, rival.grouping, score)[1]),
                    signed(rival.difference, decimals),
                    interval(rival.low, rival.high, decimals),
                    p_value(rival.p_value),
                    str(rival.n_repeats),
                    rival.verdict,
                    f"{rival.wins} / {rival.loses} / {rival.n_tasks - rival.wins - rival.loses}",
                ]
            )
    return HtmlTable("On test labels", headers, rows, may_fold=False)


def grouping_cost_table(findings: Findings) -> HtmlTable:
    return table_of(
        "What each grouping costs",
        findings.comparison.drop_duplicates("grouping"),
        {
            "grouping": word("grouping"),
            "models": whole("n_models"),
            "training: labels": whole("n_labels"),
            "training: seconds, estimated": figure("seconds"),
        },
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
    headers = [
        Header("task", is_number=False),
        Header("recommended"),
        *(Header(f"gain over {grouping}") for grouping in groupings),
    ]
    rows = [
        [
            task,
            number(own.get(task, math.nan)),
            *(_gain(by_key.get((task, grouping))) for grouping in groupings),
        ]
        for task in dict.fromkeys(table["task"])
    ]
    return HtmlTable(f"Test labels, task by task, by {score_name(score)}", headers, rows)


def _gain(row: pd.Series | None) -> str:
    if row is None or math.isnan(row["difference"]):
        return UNKNOWN
    decimals = decimals_of(row, "difference")
    gain = signed(row["difference"], decimals)
    if math.isnan(row["low"]) or math.isnan(row["high"]):
        return gain
    return f"{gain} ({interval(row['low'], row['high'], decimals)})"


def transfer_table(findings: Findings) -> HtmlTable:
    return table_of(
        f"One model a task against one for all, validation {score_name(findings.overview.score)}",
        findings.transfer.sort_values("gain", ascending=False, kind="stable"),
        words("task")
        | {"alone": figure("single"), "all together": figure("together")}
        | tested("gain")
        | words("verdict"),
    )


def relevance_table(findings: Findings) -> HtmlTable:
    reliability = facts.reliability_of(findings)
    return _strongest(
        "The strongest decided effects by the surrogate",
        findings.relevance,
        "relevance",
        words("source", "verdict", "target")
        | tested("relevance")
        | {
            "target's reliability": Cell(
                lambda row: number(reliability.get(row["target"], math.nan), 2)
            )
        },
        "relevance",
    )


def pairwise_table(findings: Findings) -> HtmlTable:
    return _strongest(
        "The strongest decided effects by statTAG, mean over levels",
        findings.pairwise,
        "effect",
        words("auxiliary", "verdict", "target") | tested("effect"),
        "pairwise",
    )


def cluster_table(findings: Findings) -> HtmlTable | None:
    table = findings.clusters
    if table.empty:
        return None
    return table_of(
        "Tasks whose labels correlate: a fold more of one for another of them",
        table[table["verdict"] != "undecided"],
        words("tasks", "verdict") | tested("effect"),
        _rest(table, "clusters"),
    )


def _strongest(
    caption: str, table: pd.DataFrame, by: str, columns: dict[str, Cell], file: str
) -> HtmlTable:
    """The pairs of the largest decided effects; the note says where the others are."""
    rows = [facts.strongest(table, by, verdict, MAX_PAIRS) for verdict in ("helps", "hurts")]
    return table_of(caption, pd.concat(rows), columns, _rest(table, file))


def _rest(table: pd.DataFrame, file: str) -> str:
    counts = VerdictCounts.of(table["verdict"])
    return (
        f"{counts.helps} help, {counts.hurts} hurt, {counts.undecided} are undecided"
        f"{f', {counts.unknown} unknown' if counts.unknown else ''}; at most "
        f"{MAX_PAIRS} of each kind are listed, all are in data/analysis/{file}.csv."
    )


def reliability_table(findings: Findings) -> HtmlTable:
    return table_of(
        "Reliability and prediction, target by target",
        findings.surrogates.sort_values("reliability", ascending=False, kind="stable"),
        {
            "target": word("target"),
            "subsets": whole("n_subsets"),
            "reliability": figure("reliability", 2),
            "Spearman, predicted": figure("spearman", 2),
            "ceiling": figure("ceiling", 2),
            "p of linear fit": figure("adequacy_p", 3),
        },
    )


_PREDICTORS = {
    "always": "always harmful",
    "never": "never harmful",
    "prior-random": "at random, as often as harm is",
    "majority": "what is usual for the target",
    "ceiling": "estimated ceiling: effects known without noise",
    "affinity": "mean gradient affinity",
    "cosine": "mean gradient cosine",
}


def negative_transfer_table(findings: Findings) -> HtmlTable:
    return table_of(
        "Foreseeing negative transfer on held-out subsets",
        findings.negative_transfer.replace({"predictor": _PREDICTORS}),
        {
            "predictor": word("predictor"),
            "F1": figure("f1", 2),
            "balanced accuracy": figure("balanced_accuracy", 2),
            "MCC": figure("mcc", 2),
            "average precision": figure("average_precision", 2),
            "cases": whole("n_subsets"),
            "of them harmful": whole("n_harmful"),
        },
    )


def exchange_rate_table(findings: Findings) -> HtmlTable | None:
    table = facts.exchange_rates(findings)
    if table is None:
        return None
    return _strongest(
        "The largest exchange rates that are decided",
        table,
        "exchange_rate",
        words("source", "verdict", "target") | effect("exchange_rate", "exchange rate"),
        "exchange_rates",
    )


def next_labels_table(findings: Findings) -> HtmlTable | None:
    table = facts.next_labels(findings)
    if table is None:
        return None
    return table_of(
        f"Where to label next: mean {score_name(findings.overview.curve_score)} over tasks",
        table,
        {"rank": whole("rank"), "task": word("task"), "labels now": whole("n_labels")}
        | effect("gain", "gain from 100 more"),
    )


def curve_table(findings: Findings) -> HtmlTable:
    return table_of(
        f"Learning curves of {score_name(findings.overview.curve_score)}",
        findings.curves,
        {
            "task": word("task"),
            "form": Cell(lambda row: row["form"].upper(), is_number=False),
            "asymptote c": figure("c"),
            "b": figure("b"),
            "a own, per 1,000 labels": Cell(lambda row: number(1000 * row["a_own"])),
            "a others, per 1,000 labels": Cell(lambda row: number(1000 * row["a_others"])),
            "exchange rate": figure("exchange_rate"),
            "error": figure("error"),
            "at a bound": Cell(lambda row: row["at_bound"] or "no", is_number=False),
        },
    )


def correlation_table(matrices: dict[str, Matrix]) -> HtmlTable:
    """Return rank correlations between measures of pairs, over the pairs that both know."""
    flat = {name: pd.Series(shown.values.ravel()) for name, shown in matrices.items()}
    rows = [
        [name, *(number(_rank_correlation(one, other), 2) for other in flat.values())]
        for name, one in flat.items()
    ]
    headers = [Header("", is_number=False), *map(Header, flat)]
    caption = "Spearman correlation over the pairs that both know"
    return HtmlTable(caption, headers, rows, may_fold=False)


def _rank_correlation(one: pd.Series, other: pd.Series) -> float:
    """NaN where one of them is constant or they have fewer than 3 pairs in common."""
    both = pd.DataFrame({"one": one, "other": other}).dropna()
    if len(both) < 3 or both.nunique().min() < 2:
        return math.nan
    return float(both["other"].rank().corr(both["one"].rank()))


def cost_table(findings: Findings) -> HtmlTable:
    return table_of(
        "What the measures cost",
        findings.costs,
        {
            "measure": word("measure"),
            "fits": whole("n_fits"),
            "operations, 10⁹": figure("gflop"),
            "seconds, estimated": figure("seconds"),
        },
    )


def excluded_table(findings: Findings) -> HtmlTable:
    return table_of("Tasks left out", findings.excluded, words("task", "reason"))


def rejects_table(findings: Findings) -> HtmlTable | None:
    """Return why rows of the source were rejected, with how many and the first of them."""
    if findings.rejects.empty:
        return None
    rows = [
        [str(reason), f"{len(rows):,}", f"{rows['file'].iloc[0]}, row {rows['row'].iloc[0]}"]
        for reason, rows in findings.rejects.groupby("reason", sort=True)
    ]
    headers = [Header("reason", is_number=False), Header("rows"), Header("first", is_number=False)]
    return HtmlTable("Rows rejected", headers, rows, "All are in data/prepared/rejects.csv.")
