"""The findings in plain sentences; every number comes from a table.

A sentence is empty where the study has nothing to say of it. Intervals are 95 % intervals.
"""

import math

import pandas as pd

from cotrain.report import _facts as facts
from cotrain.report._findings import Findings
from cotrain.report._words import UNKNOWN, estimate, number, percent, repeats, score_name, signed
from cotrain.scores import find_score
from cotrain.words import count

_UNRELIABLE = 0.3
_SURROGATES = {
    "linear": "The linear surrogate",
    "affinity": "The surrogate that begins from gradient affinities",
    "label curve": "The surrogate with a curve of labels",
}


def studied(findings: Findings) -> list[str]:
    view = findings.overview
    items = dict(zip(findings.summary["item"], findings.summary["count"], strict=True))
    n_tasks, n_labels = len(findings.tasks), findings.fold_counts["n_labels"].sum()
    what = f"{count(n_tasks, 'task')} with {count(n_labels, 'label')}"
    if (n_examples := items.get("examples", 0)) > 0:
        missing = percent(1 - n_labels / (n_examples * n_tasks))
        what += f" on {count(n_examples, 'example')}; {missing} of the pairs of both have no label"
    n_positive = findings.fold_counts["n_positive"].sum(min_count=1)
    kind = "real-valued"
    if not math.isnan(n_positive):
        kind = f"positive or negative, {percent(n_positive / n_labels)} of them positive"
    n_folds = count(findings.fold_counts["fold"].nunique(), "fold")
    trained = (
        f"{count(view.n_subsets, 'subset')} of the tasks were trained, each "
        f"{count(view.n_repeats, 'time')} with its own seed, and compared by "
        f"{score_name(view.score)} on validation labels. Learning curves, by "
        f"{score_name(view.curve_score)}, have {count(view.n_levels, 'level')} of labels."
    )
    words = (
        "A gain is always positive where a score gets better. Numbers in brackets are 95 % "
        "intervals; an effect is called undecided where the repeats at hand cannot tell it from "
        "none."
    )
    about = f"{what}. Labels are {kind}. Every example lies in one of {n_folds}."
    return [about, trained, words]


def grouping(findings: Findings) -> str:
    best = findings.recommendation
    return (
        f"Of the groupings that the measured subsets predict, the best has "
        f"{count(len(best.groups), 'model')} and a mean {score_name(best.score)} of "
        f"{number(best.predicted)}, {certificate(findings)}."
    )


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


def search(findings: Findings) -> str:
    """Return how soon the search found its best."""
    best, trials = findings.recommendation, findings.trials
    sign = find_score(best.score).sign
    top = sign * (sign * trials["value"]).max()
    if math.isnan(top):
        return ""
    n_warm = int(trials["warm_start"].sum())
    first = int(trials.loc[trials["value"] == top, "number"].min()) + 1
    warm = ", the obvious groupings, clusterings and a local search" if n_warm else ""
    beaten = sign * top < sign * best.predicted
    return (
        f"The search tried {count(len(trials), 'grouping')}, {n_warm} of them warm starts{warm}; "
        f"it had its best, {number(top)}, after {count(first, 'trial')}"
        f"{'; the exact search found a better one.' if beaten else '.'}"
    )


def unknown_affinities(findings: Findings) -> str:
    """Return what became of pairs without a gradient affinity."""
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


def together(findings: Findings) -> str:
    table, view = findings.transfer, findings.overview
    return (
        f"One model for all instead of one a task {_verdicts(table, 'task')}, over "
        f"{count(view.n_repeats, 'repeat')}; the mean gain in {score_name(view.score)} is "
        f"{signed(table['gain'].mean())}"
        + _extremes(table, "gain", "most helped is {task}", "most hurt is {task}")
    )


def relevance(findings: Findings) -> str:
    table, view = findings.relevance, findings.overview
    if table.empty:
        return ""
    counts = facts.verdict_counts(table["verdict"])
    reliability = findings.surrogates.set_index("target")["reliability"]
    told = [number(value, 2) for value in table["target"].map(reliability)]
    text = (
        f"A source that joins {_verdicts(table, 'ordered pair')}, by the linear surrogate of "
        f"{count(view.n_subsets, 'subset')} with {count(view.n_repeats, 'repeat')} each"
    )
    if counts["helps"] + counts["hurts"] == 0:
        return f"{text}. No single pair is decided: their order is a hint, no finding."
    most = (
        "{source} " + verdict + " {target} (reliability {told}) most"
        for verdict in ("helps", "hurts")
    )
    return text + _extremes(table.assign(told=told), "relevance", *most)


def reliability(findings: Findings) -> str:
    """Return how well the measured scores repeat, and how well they are predicted beside that."""
    view = findings.overview
    n_repeats = count(view.n_repeats, "repeat")
    if math.isnan(view.reliability):
        return (
            f"The reliability of the scores is unknown with {n_repeats}; without it no ranking of "
            "subsets can be trusted."
        )
    weak = "" if view.reliability_low > _UNRELIABLE else ", so rankings are weak"
    more = ""
    if view.repeats_needed > view.n_repeats:
        more = f"; {repeats(view.repeats_needed)} would make them reliable"
    predicted = "No surrogate predicts held-out subsets better than the mean of the others."
    if view.surrogate in _SURROGATES:
        predicted = (
            f"{_SURROGATES[view.surrogate]} predicts held-out subsets with a Spearman correlation "
            f"of {number(view.spearman, 2)}; noise allows at most about {number(view.ceiling, 2)}."
        )
    return (
        f"The scores of subsets have a reliability of {number(view.reliability, 2)} "
        f"({number(view.reliability_low, 2)} to {number(view.reliability_high, 2)}) with "
        f"{n_repeats}{weak}{more}. {predicted}"
    )


def pairwise(findings: Findings) -> str:
    table = findings.pairwise
    if table.empty:
        return ""
    if table["effect"].isna().all():
        return (
            "No task was given one fold more (`plan.augmentations.sources` is none), so this says "
            "nothing of pairs."
        )
    needed = table.loc[table["verdict"] == "undecided", "repeats_to_decide"].median()
    more = ""
    if not math.isnan(needed):
        more = f"; half of the undecided pairs would need {repeats(needed)} or more"
    return (
        "One fold more of another task, beside a fold of the average other one (statTAG), "
        f"{_verdicts(table, 'ordered pair')}, in the mean over "
        f"{count(findings.overview.n_levels, 'level')} of labels{more}."
    )


def clusters(findings: Findings) -> str:
    if findings.clusters.empty:
        return ""
    return (
        "Asked of clusters of tasks whose labels correlate, a fold more of one for another of the "
        "same cluster, beside what each gives and takes on average, "
        f"{_verdicts(findings.clusters, 'cluster')}."
    )


def overlap(findings: Findings) -> str:
    """Return how far tasks have labels on the same examples."""
    share = facts.shares(findings)["share"]
    if share.empty:
        return ""
    if share.max() == 0:
        return "No two tasks have labels on the same example."
    if share.min() == 1:
        return "All tasks have labels on the same examples."
    few = facts.LITTLE_IN_COMMON
    text = (
        f"Of {count(len(share), 'ordered pair')} of tasks {percent((share == 0).mean())} have no "
        f"example in common; in {percent((share < few).mean())} the source has labels on less than "
        f"{100 * few:.0f} % of the target's examples"
    )
    if findings.affinity.empty:
        return f"{text}."
    return f"{text}, and a gradient affinity, whatever its size, says little there."


def affinity_steps(findings: Findings) -> str:
    """Return how far affinities of one step agree with those of the others."""
    table, shown = findings.affinity_steps, facts.affinity_steps(findings)
    if shown["rank_correlation"].isna().all():
        return ""
    agreement = number(shown["rank_correlation"].median(), 2)
    n_hidden = len(table) - len(shown)
    small = "with a batch too small to know half of the pairs"
    hidden = f" {count(n_hidden, f'step {small} is', f'steps {small} are')} not shown."
    return (
        f"Affinities were recorded at {count(len(table), 'step')} of training; their size follows "
        "the learning rate. The pairs' ranks at one step correlate with those of their means over "
        f"all other steps by {agreement} in the median over steps; near 0, a pair's affinity at "
        f"one step says little of any other step.{hidden if n_hidden else ''}"
    )


def negative_transfer(findings: Findings) -> str:
    row = facts.predictor(findings, "surrogate")
    if row is None or math.isnan(row["n_subsets"]):
        return ""
    cases = count(row["n_subsets"], "held-out case")
    if row["n_harmful"] == 0:
        return f"Of {cases} none was harmful: how well harm is foreseen stays open."
    f1, accuracy, mcc = (number(row[name], 2) for name in ("f1", "balanced_accuracy", "mcc"))
    text = (
        f"Of {cases}, {int(row['n_harmful']):,} were harmful. The surrogate finds them with "
        f"F1 {f1}, balanced accuracy {accuracy} and MCC {mcc}"
    )
    for name, what in (
        ("always", "calling every subset harmful"),
        ("majority", "saying of each task what most subsets do to it"),
    ):
        if (row := facts.predictor(findings, name)) is not None:
            f1, accuracy, mcc = (number(row[it], 2) for it in ("f1", "balanced_accuracy", "mcc"))
            text += f"; {what} gets {f1}, {accuracy} and {mcc}"
    return text.replace(UNKNOWN, "undefined") + "."


def curves(findings: Findings) -> str:
    table = findings.curves
    rates = table.loc[table["form"].str.upper() == "EXP3.2", "exchange_rate"].dropna()
    if rates.empty:
        return ""
    n_bound = int((table["at_bound"] != "").sum())
    return (
        f"By the learning curves (EXP3.2), a label of other tasks is worth "
        f"{number(rates.median())} of the task's own in the median over "
        f"{count(len(rates), 'task')}, and less than nothing in {int((rates < 0).sum())}; "
        f"{n_bound} of {count(len(table), 'curve')} ended at a bound."
    )


def exchange_rates(findings: Findings) -> str:
    table = facts.exchange_rates(findings)
    if table is None:
        return ""
    return (
        f"By the transfer model, a label of another task {_verdicts(table, 'ordered pair')}; in "
        f"the median it is worth {number(table['exchange_rate'].median())} of the target's own"
        + _extremes(
            table,
            "exchange_rate",
            "the most useful, one of {source} to {target}, is worth",
            "the most harmful, one of {source} to {target}, is worth",
        )
    )


def next_labels(findings: Findings) -> str:
    """Return which task to label next, and how many others may be as good."""
    table = facts.next_labels(findings)
    if table is None:
        return ""
    best, others = table.iloc[0], table.iloc[1:]
    text = (
        f"100 labels more of {best['task']} are expected to change the mean "
        f"{score_name(findings.overview.curve_score)} over tasks by "
        f"{estimate(best['gain'], best['low'], best['high'])}, the most of "
        f"{count(table['gain'].notna().sum(), 'task')}"
    )
    if best["verdict"] != "helps":
        return (
            "Where to label next: no task is known to be worth labelling, at a false discovery "
            f"rate of 5 % over all; {text}."
        )
    text = f"Where to label next: {text}"
    skilled = findings.skill.set_index("task")["skilled"]
    if not skilled.get(best["task"], True):
        text += " (no model predicts it better than its base rate so far)"
    n_rivals = int((others["high"] >= best["low"]).sum())
    if n_rivals == 0:
        return f"{text}; its interval lies above those of all others."
    reach = count(
        n_rivals, "other task has an interval that reaches", "other tasks have intervals that reach"
    )
    return f"{text}; {reach} into its own, so that the order among them is open."


def _verdicts(table: pd.DataFrame, noun: str) -> str:
    counts = facts.verdict_counts(table["verdict"])
    unknown = f" ({counts['unknown']} could not be measured)" if counts["unknown"] else ""
    return (
        f"helps in {counts['helps']}, hurts in {counts['hurts']} and is undecided in "
        f"{counts['undecided']} of {count(len(table), noun)}{unknown}"
    )


def _extremes(table: pd.DataFrame, effect: str, helps: str, hurts: str) -> str:
    """The end of a sentence: its most helpful and its most harmful row, if they are decided."""
    said = [
        f"{words.format_map(row)}, {estimate(row[effect], row['low'], row['high'])}"
        for verdict, words in (("helps", helps), ("hurts", hurts))
        for _, row in facts.strongest(table, effect, verdict, 1).iterrows()
    ]
    return "".join(f"; {one}" for one in said) + "."
