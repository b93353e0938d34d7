"""The findings in plain sentences; every number comes from a table."""

import math

from cotrain.report import _facts as facts
from cotrain.report import _transfer_sentences as transfer
from cotrain.report._facts import Rival
from cotrain.report._findings import Findings
from cotrain.report._words import (
    count,
    listing,
    number,
    percent,
    score_name,
    short_estimate,
)
from cotrain.scores import find_score

# Below this a difference is one of the order of sums.
_ROUNDING = 1e-6


def study_sentences(findings: Findings) -> list[str]:
    view = findings.overview
    items = dict(zip(findings.summary["item"], findings.summary["count"], strict=True))
    n_tasks, n_labels = len(findings.tasks), findings.fold_counts["n_labels"].sum()
    what = f"{count(n_tasks, 'task')} with {count(n_labels, 'label')}"
    if (n_examples := items.get("examples", 0)) > 0:
        what += f" on {count(n_examples, 'example')}"
        missing = 1 - n_labels / (n_examples * n_tasks)
        what += f"; {percent(missing)} of the (example, task) pairs have no label"
    n_positive = findings.fold_counts["n_positive"].sum(min_count=1)
    kind = "real-valued" if math.isnan(n_positive) else "positive or negative"
    share = "" if math.isnan(n_positive) else f", {percent(n_positive / n_labels)} of them positive"
    return [
        (
            f"{what}. Labels are {kind}{share}. "
            f"Every example lies in one of {count(findings.n_folds, 'fold')}."
        ),
        (
            f"{count(view.n_subsets, 'subset')} of the tasks were trained, each "
            f"{count(view.n_repeats, 'time')} with its own seed, and compared by "
            f"{score_name(view.score)} on validation labels. Learning curves, by "
            f"{score_name(view.curve_score)}, have {count(view.n_levels, 'level')} of labels."
        ),
        (
            "A gain is always positive where a score gets better. Intervals are 95 % intervals; "
            "an effect is called undecided where the repeats at hand cannot tell it from none."
        ),
    ]


def finding_sentences(findings: Findings) -> list[str]:
    """Return what was found, in the order in which it matters; of transfer, if models are good."""
    if facts.nothing_learnt(findings):
        return comparison_sentences(findings)
    sentences = [
        *comparison_sentences(findings),
        grouping_sentence(findings),
        transfer.together_sentence(findings),
        transfer.relevance_sentence(findings),
        transfer.reliability_sentence(findings),
        transfer.pairwise_sentence(findings),
        transfer.negative_transfer_sentence(findings),
        transfer.curve_sentence(findings),
        transfer.exchange_rate_sentence(findings),
        transfer.next_labels_sentence(findings),
    ]
    return [sentence for sentence in sentences if sentence]


def comparison_sentences(findings: Findings) -> list[str]:
    score = facts.main_score(findings)
    rivals = facts.rivals(findings, score)
    if not rivals:
        return ["The recommended portfolio was compared with nothing on test labels."]
    decided = [r for r in rivals if r.verdict in ("better", "worse")]
    open_ = [r for r in rivals if r.verdict in ("undecided", "unknown")]
    sentences = []
    over = f"over {count(rivals[0].n_repeats, 'repeat')}"
    if decided:
        parts = [f"{_beats(rival)} {gain_over(rival)}" for rival in decided]
        sentences.append(
            f"On test labels, {over}, the recommended portfolio {listing(parts)} in "
            f"{score_name(score)} (95 % intervals)."
        )
    if open_:
        parts = [f"{rival.grouping} {gain_over(rival)}" for rival in open_]
        corrected = f", corrected for {len(rivals)} rivals" if len(rivals) > 1 else ""
        sentences.append(
            f"Undecided on test labels by {score_name(score)}, {over}{corrected}: {listing(parts)}."
        )
    task, worst = facts.worst_task(findings, facts.RECOMMENDED, score)
    if task:
        others = [
            f"{rival.grouping} {number(facts.worst_task(findings, rival.grouping, score)[1])}"
            for rival in rivals
        ]
        sentences.append(
            f"The recommended portfolio's worst task is “{task}”, with {score_name(score)} "
            f"{number(worst)} on test labels; the worst tasks of the others have {listing(others)}."
        )
    return sentences


def grouping_sentence(findings: Findings) -> str:
    best = findings.recommendation
    sizes = [count(len(group), "task") for group in best.groups]
    return (
        f"Best grouping: {count(len(best.groups), 'model')} ({listing(sizes)}), with a predicted "
        f"mean {score_name(best.score)} of {number(best.predicted)}, "
        f"{certificate(findings)}."
    )


def auxiliary_sentence(findings: Findings) -> str:
    """Return what brackets in the list of groups mean; empty if there are none."""
    best = findings.recommendation
    n_members = sum(len(group) for group in best.groups)
    if n_members == len(best.served_by):
        return ""
    return "A task in brackets only helps to train its group; the model of another group serves it."


def certificate(findings: Findings) -> str:
    best = findings.recommendation
    if best.is_optimal:
        return "certified to be the best that the fitted model allows"
    if not math.isfinite(best.gap):
        return "with no certificate that no other grouping is predicted to be better"
    return (
        f"not certified to be the best: another may be predicted better by at most "
        f"{percent(best.gap)} (bound {number(best.bound)})"
    )


def search_sentence(findings: Findings) -> str:
    """Return how soon the search found its best; empty if no trial has a value."""
    best, trials = findings.recommendation, findings.trials
    sign = find_score(best.score).sign
    top = sign * (sign * trials["value"]).max()
    if math.isnan(top):
        return ""
    n_warm = int(trials["warm_start"].sum())
    first = int(trials.loc[trials["value"] == top, "number"].min()) + 1
    warm = ", the obvious groupings, clusterings and a local search" if n_warm else ""
    text = (
        f"The search tried {count(len(trials), 'grouping')}, {n_warm} of them warm starts{warm}; "
        f"it had its best, {number(top)}, after {count(first, 'trial')}"
    )
    return text + (
        "; the exact search found a better one." if sign * top < sign * best.predicted else "."
    )


def unknown_affinities_sentence(findings: Findings) -> str:
    """Return what became of pairs without a gradient affinity; empty if there are none."""
    best = findings.recommendation
    n_unknown, n_tasks = best.n_unknown_affinities, len(best.served_by)
    if n_unknown == 0:
        return ""
    if n_unknown == n_tasks * (n_tasks - 1):
        return "No gradient affinity is known of any pair, so no grouping by affinity is compared."
    return (
        f"{count(n_unknown, 'ordered pair was', 'ordered pairs were')} never seen together while "
        "affinities were recorded; the grouping by affinity takes for each what its target gets "
        "from other tasks in the mean."
    )


def _beats(rival: Rival) -> str:
    return f"{'beats' if rival.verdict == 'better' else 'loses to'} {rival.grouping}:"


def gain_over(rival: Rival) -> str:
    if max(abs(end) for end in (rival.difference, rival.low, rival.high)) < _ROUNDING:
        return "0 (the same models)"
    return short_estimate(rival.difference, rival.low, rival.high)
