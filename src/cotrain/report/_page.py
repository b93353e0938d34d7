"""The page: its sections in order, each with sentences, figures and tables."""

from dataclasses import dataclass, field

from cotrain.report import _sentences as say
from cotrain.report import _tables as tables
from cotrain.report import _transfer_sentences as transfer
from cotrain.report._answers import Answer, answers
from cotrain.report._cells import HtmlTable
from cotrain.report._findings import Findings
from cotrain.report._pictures import (
    MAX_GAIN_ROWS,
    MAX_PANELS,
    Pictures,
    pair_matrices,
    panel_tasks,
    rank_correlations,
    rate_limit,
)
from cotrain.report._svg import Picture
from cotrain.report._words import count, number, score_name


@dataclass(frozen=True)
class Section:
    """A heading with sentences, then figures, then tables."""

    anchor: str
    title: str
    sentences: list[str]
    pictures: list[Picture] = field(default_factory=list)
    tables: list[HtmlTable] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """Everything that the template shows; plain text, escaped by the template.

    Attributes
    ----------
    answers : list of Answer
        The first screen.
    studied, found : list of str
        Sentences on top of the page.
    groups : list of lists of tuples of (str, bool)
        The recommended grouping: each group's tasks, and whether they are only auxiliary there.
    grouping_sentences : list of str
    sections : list of Section
    """

    answers: list[Answer]
    studied: list[str]
    found: list[str]
    groups: list[list[tuple[str, bool]]]
    grouping_sentences: list[str]
    sections: list[Section]


def page_of(findings: Findings, pictures: Pictures) -> Page:
    """Return the page of a study."""
    sections = [
        _comparison(findings),
        _together(findings),
        _relevance(findings),
        _pairwise(findings),
        _measures(findings),
        _curves(findings),
        _labels(findings),
        _predictions(findings),
        _negative_transfer(findings),
        _front(findings),
        _left_out(findings),
    ]
    best = findings.recommendation
    return Page(
        answers=answers(findings),
        studied=say.study_sentences(findings),
        found=say.finding_sentences(findings),
        groups=[
            [(task, best.is_auxiliary(at, task)) for task in group]
            for at, group in enumerate(best.groups)
        ],
        grouping_sentences=_known(
            say.grouping_sentence(findings), say.auxiliary_sentence(findings)
        ),
        sections=[_with_pictures(section, pictures) for section in sections],
    )


def _known(*sentences: str) -> list[str]:
    return [sentence for sentence in sentences if sentence]


_PICTURES_OF = {
    "comparison": ("comparison",),
    "together": ("single_against_together",),
    "relevance": ("relevance",),
    "pairwise": ("pairwise",),
    "measures": ("affinity", "affinity_steps"),
    "curves": ("learning_curves",),
    "labels": ("next_labels", "exchange_rates"),
    "predictions": ("predictions",),
    "front": ("front", "search"),
}


def _with_pictures(section: Section, pictures: Pictures) -> Section:
    names = _PICTURES_OF.get(section.anchor, ())
    shown = [pictures[name] for name in names if name in pictures]
    return Section(section.anchor, section.title, section.sentences, shown, section.tables)


def _comparison(findings: Findings) -> Section:
    sentences = [
        *say.comparison_sentences(findings),
        (
            "All models were trained anew with seeds that the search never saw. Scores are on test "
            "labels, which chose nothing. A gain is the recommended portfolio's score less the "
            "rival's, paired by repeat; it is decided where its 95 % interval, which counts "
            "repeats and examples, leaves out 0 "
            "and its p-value is at most 0.05. A task is won or lost where its p-value, corrected "
            "for all tasks and rivals (Holm), is at most 0.05."
        ),
        say.unknown_affinities_sentence(findings),
    ]
    return Section(
        "comparison",
        "Comparison on test labels",
        _known(*sentences),
        tables=[
            tables.comparison_table(findings),
            tables.grouping_cost_table(findings),
            tables.task_comparison_table(findings),
        ],
    )


def _together(findings: Findings) -> Section:
    sentences = [transfer.together_sentence(findings)]
    if len(findings.transfer) > MAX_GAIN_ROWS:
        sentences.append(
            f"The figure shows the {MAX_GAIN_ROWS // 2} tasks with the highest and the "
            f"{MAX_GAIN_ROWS // 2} with the lowest gain; the table has all."
        )
    return Section(
        "together",
        "One model a task, or one for all",
        sentences,
        tables=[tables.transfer_table(findings)],
    )


def _relevance(findings: Findings) -> Section:
    return Section(
        "relevance",
        "Which task helps which: subsets and the linear surrogate",
        [
            transfer.relevance_sentence(findings),
            transfer.reliability_sentence(findings),
            (
                "Row: the target, whose score changes. Column: the source, which joins. "
                f"{_HEAT_MAP_KEY} Related tasks lie side by side."
            ),
        ],
        tables=[tables.relevance_table(findings), tables.reliability_table(findings)],
    )


def _pairwise(findings: Findings) -> Section:
    n_levels = findings.overview.n_levels
    listed = (tables.cluster_table(findings), tables.pairwise_table(findings))
    return Section(
        "pairwise",
        "Which task helps which: one fold more (statTAG)",
        _known(
            transfer.pairwise_sentence(findings),
            transfer.cluster_sentence(findings),
            (
                f"The mean over {count(n_levels, 'level')} of training labels. {_HEAT_MAP_KEY} "
                "The order is that of the heat map above."
            ),
        ),
        tables=[table for table in listed if table],
    )


_HEAT_MAP_KEY = (
    "Blue helps, orange hurts; cells with a sign are decided, faded cells are undecided, grey "
    "cells are not known."
)


def _measures(findings: Findings) -> Section:
    matrices = pair_matrices(findings)
    correlations = rank_correlations(matrices)
    sentences = [
        (
            "Measures of what one task does to another, compared by the ranks that they give to "
            "the pairs. Noise in either measure lowers the correlation."
        ),
    ]
    if findings.affinity.empty:
        sentences.append("No gradient affinity was recorded: the learner has no gradients.")
    sentences.append(transfer.affinity_steps_sentence(findings))
    sentences.append(
        "Costs: fits may serve several measures. Operations are counted: the matrix products of "
        "training and recording. Seconds are those of the cost model for one core, so that the "
        "page is the same on every machine; what the clock said is in MLflow, with the summary "
        "run of each plan."
    )
    agreement = tables.correlation_table(list(matrices), correlations)
    return Section(
        "measures",
        "How far the measures agree, and what they cost",
        _known(*sentences),
        tables=[agreement, tables.cost_table(findings)],
    )


def _curves(findings: Findings) -> Section:
    score = score_name(findings.overview.curve_score)
    sentences = [
        transfer.curve_sentence(findings),
        (
            f"{score} = c − exp(b − a_own · n_own − a_others · n_others). The exchange rate "
            "a_others / a_own is how many of the task's own labels one label of other tasks is "
            "worth; below 0 it hurts. A curve with a parameter at its bound is not determined "
            "by the data."
        ),
    ]
    shown = panel_tasks(findings)
    if len(shown) < len(findings.tasks):
        sentences.append(
            f"The figure shows {MAX_PANELS} of {count(len(findings.tasks), 'task')}: those that "
            "training together moves most, up or down. The table has all."
        )
    return Section(
        "curves",
        "Learning curves: what labels are worth",
        _known(*sentences),
        tables=[tables.curve_table(findings)],
    )


def _labels(findings: Findings) -> Section:
    title = "Where to label next, and what a label is worth to another task"
    shown = pair_matrices(findings).get("exchange rate")
    if shown is None:
        return Section("labels", title, ["The fits at hand tell too little of this to say."])
    limit = rate_limit(shown)
    n_beyond = int((abs(shown.values) > limit).sum())
    sentences = [
        transfer.next_labels_sentence(findings),
        transfer.exchange_rate_sentence(findings),
        (
            "One model of all fits: the score of task i is c_i − exp(b_i − Σ_j a_ij n_j) at n_j "
            "labels of each task j. The exchange rate a_ij / a_ii is how many labels of target i "
            "one label of source j is worth; below 0 it hurts. Gains are those of training all "
            "tasks together. Intervals are each by itself; signs and verdicts hold a false "
            "discovery rate of 5 % over all pairs, and over all tasks."
        ),
        (
            f"{_HEAT_MAP_KEY} Colours end at −{number(limit)} and {number(limit)}; "
            f"{count(n_beyond, 'cell lies', 'cells lie')} beyond."
        ),
    ]
    if (n_tasks := len(findings.tasks)) > MAX_GAIN_ROWS:
        sentences.append(
            f"The figure of gains shows the highest {MAX_GAIN_ROWS} of {n_tasks} tasks; the table "
            "has all."
        )
    listed = (tables.next_labels_table(findings), tables.exchange_rate_table(findings))
    return Section("labels", title, _known(*sentences), tables=[table for table in listed if table])


def _predictions(findings: Findings) -> Section:
    view = findings.overview
    return Section(
        "predictions",
        "Predicted and measured",
        [
            (
                "Subsets that the surrogate never saw: the gain of training a target with them "
                "over training it alone, predicted and measured. On the dashed line they agree."
            ),
            (
                f"Mean Spearman correlation over targets {number(view.spearman, 2)}, ceiling by "
                f"noise {number(view.ceiling, 2)}."
            ),
        ],
    )


def _negative_transfer(findings: Findings) -> Section:
    return Section(
        "negative-transfer",
        "Foreseeing negative transfer",
        [
            transfer.negative_transfer_sentence(findings),
            (
                "F1 alone misleads where most cases are harmful: always saying so scores well. A "
                "predictor is worth something where its balanced accuracy is above 0.5 and its MCC "
                "above 0."
            ),
        ],
        tables=[tables.negative_transfer_table(findings)],
    )


def _front(findings: Findings) -> Section:
    best = findings.recommendation
    predicted = number(best.predicted)
    sentences = [
        (
            f"The best predicted mean {score_name(best.score)} is {predicted}, "
            f"{say.certificate(findings)}."
        ),
        say.search_sentence(findings),
    ]
    return Section("front", "Fewer models or a better score", _known(*sentences))


def _left_out(findings: Findings) -> Section:
    counts = [
        count(len(findings.excluded), "task was left out", "tasks were left out"),
        count(len(findings.rejects), "row was rejected", "rows were rejected"),
        count(len(findings.conflicts), "pair had", "pairs had") + " conflicting values",
    ]
    shown = [tables.study_table(findings)]
    if len(findings.excluded):
        shown.append(tables.excluded_table(findings))
    if len(findings.rejects):
        shown.append(tables.rejects_table(findings))
    return Section("left-out", "What was left out", [f"{'; '.join(counts)}."], tables=shown)
