"""The sections of the page, in its order: what is said, drawn and listed of each subject."""

import math

import pandas as pd

from cotrain.report import _facts as facts
from cotrain.report import _plots
from cotrain.report import _sentences as say
from cotrain.report._findings import Findings
from cotrain.report._label_sections import curves, labels
from cotrain.report._page import Section, Table, texts_of, when
from cotrain.report._pairs import Pairs
from cotrain.report._svg import Picture
from cotrain.report._transfer_sections import measures, pairwise, predictions, relevance, together
from cotrain.report._words import UNKNOWN, gain_over, score_name
from cotrain.words import count


def sections_of(findings: Findings) -> list[Section]:
    pairs = Pairs.of(findings)
    return [
        Section("studied", "What was studied", say.studied(findings)),
        _grouping(findings),
        _comparison(findings),
        together(findings),
        relevance(findings, pairs),
        pairwise(findings, pairs),
        measures(findings, pairs),
        predictions(findings),
        curves(findings),
        labels(findings, pairs),
        _left_out(findings),
    ]


def _grouping(findings: Findings) -> Section:
    best, trials = findings.recommendation, findings.trials.dropna(subset="value")
    n_models = len(best.groups)
    front = Picture(
        "front",
        "Number of models against predicted score",
        lambda: _plots.front(findings.front, n_models, best.score),
    )
    search = Picture(
        "search", "What the search found, trial by trial", lambda: _plots.search(trials, best)
    )
    groups = [
        {
            "model": str(at + 1),
            "predicts": ", ".join(task for task in group if not best.is_auxiliary(at, task)),
            "and learns from these, which other models predict": ", ".join(
                task for task in group if best.is_auxiliary(at, task)
            ),
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
    return Section(
        "comparison",
        "Comparison on test labels",
        [say.unknown_affinities(findings)],
        when(any(map(len, rivals.values())), figure),
        [
            *(_scores(findings, score) for score in scores),
            Table(
                "What each grouping costs",
                texts_of(
                    findings.comparison.drop_duplicates("grouping"),
                    "grouping n_models n_labels seconds",
                ),
                "Labels and seconds are those of training in one repeat; a label in two groups "
                "counts twice. Seconds are those of the cost model for one core; what the clock "
                "said is in MLflow. Where several groupings have one name, all figures are means.",
            ),
            _task_scores(findings),
        ],
    )


def _scores(findings: Findings, score: str) -> Table:
    """The recommended portfolio and its rivals on test labels by one score."""
    rows = facts.compared(findings, score)
    texts = texts_of(rows, "grouping mean worst_task p_value n_repeats verdict")
    texts.insert(3, "gain over it", _gains(rows))
    texts["tasks won / lost / open"] = [
        "" if math.isnan(won) else f"{won:.0f} / {lost:.0f} / {of - won - lost:.0f}"
        for won, lost, of in zip(rows["wins"], rows["loses"], rows["n_tasks"], strict=True)
    ]
    texts.loc[texts["grouping"] == facts.RECOMMENDED, "verdict"] = ""
    is_main = score == facts.main_score(findings)
    return Table(f"On test labels, by {score_name(score)}", texts, may_fold=not is_main)


def _task_scores(findings: Findings) -> Table:
    """Each task's test score and its gain over every rival, by the main score."""
    score, table = facts.main_score(findings), findings.task_comparison
    table = table[(table["calibration"] == "raw") & (table["score"] == score)]
    own = table[table["grouping"] == facts.RECOMMENDED]
    texts = texts_of(own.rename(columns={"mean": facts.RECOMMENDED}), f"task {facts.RECOMMENDED}")
    for rival in facts.rivals(findings, score)["grouping"]:
        rows = table[table["grouping"] == rival]
        gains = dict(zip(rows["task"], _gains(rows), strict=True))
        texts[f"gain over {rival}"] = [gains.get(task, UNKNOWN) for task in texts["task"]]
    return Table(f"Test labels, task by task, by {score_name(score)}", texts)


def _gains(rows: pd.DataFrame) -> list[str]:
    return [gain_over(*row) for row in rows[["difference", "low", "high"]].itertuples(index=False)]


def _left_out(findings: Findings) -> Section:
    rejects = findings.rejects
    first = rejects["file"].astype(str) + ", row " + rejects["row"].astype(str)
    by_reason = first.groupby(rejects["reason"]).agg(n_rows="size", first="first").reset_index()
    return Section(
        "left-out",
        "What was left out",
        [
            (
                f"{count(len(findings.excluded), 'task was left out', 'tasks were left out')}; "
                f"{count(len(rejects), 'row was rejected', 'rows were rejected')}; "
                f"{count(len(findings.conflicts), 'pair had', 'pairs had')} conflicting values."
            )
        ],
        tables=[
            Table("From measurements to the task table", texts_of(findings.summary, "item count")),
            Table("Tasks left out", texts_of(findings.excluded, "task reason")),
            Table(
                "Rows rejected",
                texts_of(by_reason, "reason n_rows first"),
                "All are in data/prepared/rejects.csv." if len(rejects) else "",
            ),
        ],
    )
