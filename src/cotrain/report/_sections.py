"""The sections of the page, in its order: what is said, drawn and listed of each subject."""

import math

import pandas as pd

from cotrain.report import _facts as facts
from cotrain.report import _plots
from cotrain.report import _sentences as say
from cotrain.report._findings import Findings
from cotrain.report._heatmaps import Pairs, colour_limit
from cotrain.report._page import Section, Table, when
from cotrain.report._svg import Picture
from cotrain.report._words import UNKNOWN, gain_over, number, score_name
from cotrain.words import count

# Limits that keep figures and lists readable; all is in the tables of the page or of the study.
_MAX_GAIN_ROWS, _MAX_PAIRS, _MAX_PANELS = 40, 15, 30
_PREDICTORS = {
    "always": "always harmful",
    "never": "never harmful",
    "prior-random": "at random, as often as harm is",
    "majority": "what is usual for the target",
    "ceiling": "estimated ceiling: effects known without noise",
    "affinity": "mean gradient affinity",
    "cosine": "mean gradient cosine",
}


def sections_of(findings: Findings) -> list[Section]:
    pairs = Pairs.of(findings)
    return [
        Section("studied", "What was studied", say.studied(findings)),
        _grouping(findings),
        _comparison(findings),
        _together(findings),
        _relevance(findings, pairs),
        _pairwise(findings, pairs),
        _measures(findings, pairs),
        _predictions(findings),
        _curves(findings),
        labels(findings, pairs),
        _left_out(findings),
    ]


def _grouping(findings: Findings) -> Section:
    best, trials = findings.recommendation, findings.trials.dropna(subset="value")
    front = Picture(
        "front",
        "Number of models against predicted score",
        lambda: _plots.front(findings.front, len(best.groups), best.score),
    )
    search = Picture(
        "search", "What the search found, trial by trial", lambda: _plots.search(trials, best)
    )
    titles = {False: "predicts", True: "and learns from these, which other models predict"}
    groups = [
        {"model": str(at + 1)}
        | {
            title: ", ".join(task for task in group if best.is_auxiliary(at, task) is auxiliary)
            for auxiliary, title in titles.items()
        }
        for at, group in enumerate(best.groups)
    ]
    return Section(
        "grouping",
        "The best grouping",
        [say.grouping(findings), say.search(findings)],
        [*when(findings.front["value"].notna().any(), front), *when(len(trials), search)],
        [Table("The tasks of each model", pd.DataFrame(groups), may_fold=False)],
    )


def _comparison(findings: Findings) -> Section:
    scores = facts.scores_compared(findings)
    rivals = {score: facts.rivals(findings, score) for score in scores[:2]}
    figure = Picture(
        "comparison",
        "The recommended portfolio against its rivals, on test labels",
        lambda: _plots.forest(rivals),
    )
    costs = Table.of(
        "What each grouping costs",
        findings.comparison.drop_duplicates("grouping"),
        "grouping n_models n_labels seconds",
        "Labels and seconds are those of training in one repeat; a label in two groups "
        "counts twice. Seconds are those of the cost model for one core; what the clock "
        "said is in MLflow. Where several groupings have one name, all figures are means.",
    )
    return Section(
        "comparison",
        "Comparison on test labels",
        [say.unknown_affinities(findings)],
        when(any(map(len, rivals.values())), figure),
        [*(_scores(findings, score) for score in scores), costs, _task_scores(findings)],
    )


def _scores(findings: Findings, score: str) -> Table:
    """The recommended portfolio and its rivals on test labels by one score."""
    rows = facts.compared(findings, score)
    table = Table.of(
        f"On test labels, by {score_name(score)}",
        rows,
        "grouping mean worst_task p_value n_repeats verdict",
        may_fold=score != facts.main_score(findings),
    )
    texts = table.texts
    texts.insert(3, "gain over it", _gains(rows))
    texts["tasks won / lost / open"] = [
        "" if math.isnan(won) else f"{won:.0f} / {lost:.0f} / {of - won - lost:.0f}"
        for won, lost, of in zip(rows["wins"], rows["loses"], rows["n_tasks"], strict=True)
    ]
    texts.loc[texts["grouping"] == facts.RECOMMENDED, "verdict"] = ""
    return table


def _task_scores(findings: Findings) -> Table:
    """Each task's test score and its gain over every rival, by the main score."""
    score, recommended = facts.main_score(findings), facts.RECOMMENDED
    rows = facts.task_scores(findings, score)
    own = rows[rows["grouping"] == recommended].rename(columns={"mean": recommended})
    table = Table.of(
        f"Test labels, task by task, by {score_name(score)}", own, f"task {recommended}"
    )
    for rival in facts.rivals(findings, score)["grouping"]:
        lost = rows[rows["grouping"] == rival]
        gains = dict(zip(lost["task"], _gains(lost), strict=True))
        texts = [gains.get(task, UNKNOWN) for task in table.texts["task"]]
        table.texts[f"gain over {rival}"] = texts
    return table


def _gains(rows: pd.DataFrame) -> list[str]:
    return [gain_over(*row) for row in rows[["difference", "low", "high"]].itertuples(index=False)]


def _together(findings: Findings) -> Section:
    table, score = findings.transfer, score_name(findings.overview.score)
    ranked = table.sort_values("gain", ascending=False, kind="stable")
    known, half = ranked[ranked["gain"].notna()], _MAX_GAIN_ROWS // 2
    cut = len(known) > _MAX_GAIN_ROWS
    shown = pd.concat([known.head(half), known.tail(half)]) if cut else known
    figure = Picture(
        "single_against_together",
        "What one model for all tasks gains over one model a task",
        lambda: _plots.gains(shown, f"gain in {score}"),
    )
    which = (
        f"The figure shows the {half} tasks with the highest and the {half} with the lowest gain."
    )
    scores = Table.of(
        f"One model a task against one for all, validation {score}",
        ranked,
        "task single together gain p_value verdict",
    )
    return Section(
        "together",
        "One model a task, or one for all",
        [say.together(findings), which if cut else ""],
        when(len(shown), figure),
        [scores],
    )


def _relevance(findings: Findings, pairs: Pairs) -> Section:
    reliability = findings.surrogates.set_index("target")["reliability"]
    table = findings.relevance
    told = table.assign(target_reliability=table["target"].map(reliability))
    figure = pairs.heat_map(
        "relevance",
        "What a source task adds to a target task, by the linear surrogate",
        "surrogate relevance",
        f"relevance: gain in {score_name(findings.overview.score)}",
    )
    columns = "source verdict target relevance p_value target_reliability"
    return Section(
        "relevance",
        "Which task helps which: subsets and the linear surrogate",
        [say.relevance(findings)],
        figure,
        [_strongest(told, columns, "relevance")],
    )


def _pairwise(findings: Findings, pairs: Pairs) -> Section:
    clusters = findings.clusters
    figure = pairs.heat_map(
        "pairwise",
        "What one fold more of an auxiliary task adds to a target task (statTAG)",
        "statTAG",
        f"gain in {score_name(findings.overview.curve_score)}",
    )
    decided = Table.of(
        "Tasks whose labels correlate: a fold more of one for another of them",
        clusters[clusters["verdict"] != "undecided"],
        "tasks verdict effect p_value",
        "All are in data/analysis/clusters.csv." if len(clusters) else "",
    )
    columns = "auxiliary verdict target effect p_value"
    return Section(
        "pairwise",
        "Which task helps which: one fold more (statTAG)",
        [say.pairwise(findings), say.clusters(findings)],
        figure,
        [decided, _strongest(findings.pairwise, columns, "pairwise")],
    )


def _measures(findings: Findings, pairs: Pairs) -> Section:
    steps = facts.affinity_steps(findings)
    recorded = not findings.affinity.empty
    over_time = Picture(
        "affinity_steps", "Gradient affinity over training", lambda: _plots.affinity_steps(steps)
    )
    correlations = pairs.rank_correlations().map(lambda value: number(value, 2))
    largest = Table.of(
        "The largest gradient affinities, and the examples that the two tasks share",
        facts.largest_affinities(findings, _MAX_PAIRS),
        "source target affinity cosine n_shared share group_share",
        f"At most {_MAX_PAIRS} are listed; shares are of the target's examples and of its "
        "groups, such as scaffolds. All are in data/analysis/affinity.csv and "
        "data/prepared/overlap.csv.",
    )
    return Section(
        "measures",
        "How far the measures agree, and what they cost",
        [
            "" if recorded else "No gradient affinity was recorded: the learner has no gradients.",
            say.overlap(findings),
            say.affinity_steps(findings),
        ],
        [
            *pairs.side_by_side(
                "affinity", "Measures of what one task does to another, in one order"
            ),
            *when(len(steps) > 1, over_time),
        ],
        [
            Table(
                "Spearman correlation over the pairs that both know",
                correlations.rename_axis("measure").reset_index(),
                may_fold=False,
            ),
            largest,
            Table.of("What the measures cost", findings.costs, "measure n_fits gflop seconds"),
        ],
    )


def _predictions(findings: Findings) -> Section:
    known = findings.predictions.dropna(subset=["measured", "predicted"])
    figure = Picture(
        "predictions",
        "Predicted and measured gains of held-out subsets",
        lambda: _plots.predictions(known, findings.overview.score),
    )
    by_target = Table.of(
        "Reliability and prediction, target by target",
        findings.surrogates.sort_values("reliability", ascending=False, kind="stable"),
        "target n_subsets reliability spearman ceiling adequacy_p",
    )
    foreseen = Table.of(
        "Foreseeing negative transfer on held-out subsets",
        findings.negative_transfer.replace({"predictor": _PREDICTORS}),
        "predictor f1 balanced_accuracy mcc average_precision n_subsets n_harmful",
    )
    return Section(
        "predictions",
        "Subsets that the surrogate never saw: predicted and measured",
        [say.reliability(findings), say.negative_transfer(findings)],
        when(len(known), figure),
        [by_target, foreseen],
    )


def _curves(findings: Findings) -> Section:
    points, score = findings.curve_points, findings.overview.curve_score
    moved = findings.transfer["gain"].abs().sort_values(ascending=False, kind="stable")
    chosen = set(findings.transfer["task"].loc[moved.index[:_MAX_PANELS]])
    tasks = [task for task in findings.tasks if task in chosen]
    figure = Picture(
        "learning_curves",
        "Learning curves",
        lambda: _plots.curve_panels(findings.curves, points, tasks, score),
    )
    which = (
        f"The figure shows {_MAX_PANELS} of {count(len(findings.tasks), 'task')}: those that "
        "training together moves most, up or down. The table has all."
    )
    table = findings.curves.replace({"at_bound": {"": "no"}})
    table["form"] = table["form"].str.upper()
    columns = "task form c b a_own a_others exchange_rate error at_bound"
    return Section(
        "curves",
        "Learning curves: what labels are worth",
        [say.curves(findings), which if len(tasks) < len(findings.tasks) else ""],
        when(tasks and points["score"].notna().any(), figure),
        [Table.of(f"Learning curves of {score_name(score)}", table, columns)],
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
    best = gains[gains["gain"].notna()].head(_MAX_GAIN_ROWS)
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
    which = (
        f"The figure of gains shows the highest {_MAX_GAIN_ROWS} of {len(gains)} tasks; the "
        "table has all."
    )
    next_ones = Table.of(
        f"Where to label next: mean {score} over tasks, 100 labels more",
        gains,
        "rank task n_labels gain",
    )
    return Section(
        "labels",
        title,
        [
            say.next_labels(findings),
            say.exchange_rates(findings),
            f"Colours end at −{number(limit)} and {number(limit)}; {beyond} beyond.",
            which if len(gains) > _MAX_GAIN_ROWS else "",
        ],
        [figure, *heat_map],
        [next_ones, _strongest(rates, "source verdict target exchange_rate", "exchange_rates")],
    )


def _strongest(table: pd.DataFrame, columns: str, file: str) -> Table:
    """The pairs of the largest decided effects; the note says where the others are."""
    effect = next(name for name in ("relevance", "effect", "exchange_rate") if name in table)
    rows = [facts.strongest(table, effect, verdict, _MAX_PAIRS) for verdict in ("helps", "hurts")]
    return Table.of(
        "The strongest decided effects",
        pd.concat(rows),
        columns,
        f"At most {_MAX_PAIRS} that help and {_MAX_PAIRS} that hurt are listed; all are in "
        f"data/analysis/{file}.csv.",
    )


def _left_out(findings: Findings) -> Section:
    rejects = findings.rejects
    first = rejects["file"].astype(str) + ", row " + rejects["row"].astype(str)
    by_reason = first.groupby(rejects["reason"]).agg(n_rows="size", first="first").reset_index()
    said = (
        f"{count(len(findings.excluded), 'task was left out', 'tasks were left out')}; "
        f"{count(len(rejects), 'row was rejected', 'rows were rejected')}; "
        f"{count(len(findings.conflicts), 'pair had', 'pairs had')} conflicting values."
    )
    where = "All are in data/prepared/rejects.csv." if len(rejects) else ""
    tables = [
        Table.of("From measurements to the task table", findings.summary, "item count"),
        Table.of("Tasks left out", findings.excluded, "task reason"),
        Table.of("Rows rejected", by_reason, "reason n_rows first", where),
    ]
    return Section("left-out", "What was left out", [said], tables=tables)
