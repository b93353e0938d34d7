"""What tasks do to each other in plain sentences; every number comes from a table."""

import math

from cotrain.report import _facts as facts
from cotrain.report._facts import VerdictCounts
from cotrain.report._findings import Findings
from cotrain.report._words import (
    UNKNOWN,
    count,
    estimate,
    number,
    repeats,
    score_name,
    signed,
)

_UNRELIABLE = 0.3


def affinity_steps_sentence(findings: Findings) -> str:
    """Return how far affinities of one step agree with those of the others; empty if unknown."""
    table, shown = findings.affinity_steps, facts.affinity_steps(findings)
    if shown is None or shown["rank_correlation"].isna().all():
        return ""
    agreement = shown["rank_correlation"]
    text = (
        f"Affinities were recorded at {count(len(table), 'step')} of training; their size follows "
        "the learning rate. The pairs' ranks at one step correlate with those of their means over "
        f"all other steps by {number(agreement.median(), 2)} in the median over steps; near 0, a "
        "pair's affinity at one step says little of any other step."
    )
    n_hidden = len(table) - len(shown)
    if n_hidden:
        text += (
            f" {count(n_hidden, 'step')} with a batch too small to know half of the pairs "
            f"{'is' if n_hidden == 1 else 'are'} not shown."
        )
    return text


def together_sentence(findings: Findings) -> str:
    table, view = findings.transfer, findings.overview
    counts = VerdictCounts.of(table["verdict"])
    start = (
        f"One model for all {count(len(table), 'task')} instead of one a task helps "
        f"{counts.helps}, hurts {counts.hurts} and leaves {counts.undecided} undecided over "
        f"{count(view.n_repeats, 'repeat')}{_unmeasured(counts)}"
    )
    mean = f"; the mean gain in {score_name(view.score)} is {signed(table['gain'].mean())}"
    extremes = [
        f"{word} is {row['task']}, {estimate(row['gain'], row['low'], row['high'])}"
        for verdict, word in (("helps", "most helped"), ("hurts", "most hurt"))
        for _, row in facts.strongest(table, "gain", verdict, 1).iterrows()
    ]
    return f"{start}{mean}{'; ' if extremes else ''}{', and '.join(extremes)}."


def relevance_sentence(findings: Findings) -> str:
    table, view = findings.relevance, findings.overview
    counts = VerdictCounts.of(table["verdict"])
    if counts.total == 0:
        return ""
    start = (
        f"Of {count(counts.total, 'ordered pair')} of tasks, {counts.helps} help, {counts.hurts} "
        f"hurt and {counts.undecided} are undecided by the linear surrogate, from "
        f"{count(view.n_subsets, 'subset')} with {count(view.n_repeats, 'repeat')} each"
        f"{_unmeasured(counts)}"
    )
    reliability = facts.reliability_of(findings)
    extremes = [
        f"{row['source']} {verdict} {row['target']} most, "
        f"{estimate(row['relevance'], row['low'], row['high'])}, reliability of its target "
        f"{number(reliability.get(row['target'], math.nan), 2)}"
        for verdict in ("helps", "hurts")
        for _, row in facts.strongest(table, "relevance", verdict, 1).iterrows()
    ]
    if not extremes:
        return f"{start}. No single pair is decided: their order is a hint, no finding."
    return f"{start}. {'; '.join(extremes)}."


def reliability_sentence(findings: Findings) -> str:
    """Return how well the measured scores repeat, and how well they are predicted beside that."""
    view = findings.overview
    if math.isnan(view.reliability):
        return (
            f"The reliability of the scores is unknown with {count(view.n_repeats, 'repeat')}; "
            "without it no ranking of subsets can be trusted."
        )
    text = (
        f"The scores of subsets have a reliability of {number(view.reliability, 2)} (95 % interval "
        f"{number(view.reliability_low, 2)} to {number(view.reliability_high, 2)}) with "
        f"{count(view.n_repeats, 'repeat')}"
    )
    if not view.reliability_low > _UNRELIABLE:
        text += ", so rankings are weak"
    if not math.isnan(view.repeats_needed) and view.repeats_needed > view.n_repeats:
        text += f"; {repeats(view.repeats_needed)} would make them reliable"
    return (
        f"{text}. The surrogate predicts held-out subsets with a Spearman correlation of "
        f"{number(view.spearman, 2)}; noise allows at most about {number(view.ceiling, 2)}."
    )


def pairwise_sentence(findings: Findings) -> str:
    table = findings.pairwise
    counts = VerdictCounts.of(table["verdict"])
    if counts.total == 0:
        return ""
    text = (
        f"One fold more of another task, beside a fold of the average other one (statTAG, the mean "
        f"over {count(findings.overview.n_levels, 'level')}), helps in {counts.helps}, hurts in "
        f"{counts.hurts} and is undecided in {counts.undecided} of "
        f"{count(counts.total, 'ordered pair')}{_unmeasured(counts)}"
    )
    needed = facts.repeats_to_decide_half(table)
    if not math.isnan(needed):
        text += f"; half of the undecided pairs would need {repeats(needed)} or more"
    return text + "."


def cluster_sentence(findings: Findings) -> str:
    if findings.clusters.empty:
        return ""
    counts = VerdictCounts.of(findings.clusters["verdict"])
    return (
        f"Asked of clusters of tasks whose labels correlate, a fold more of one for another of the "
        f"same cluster, beside what each gives and takes on average, helps in {counts.helps}, "
        f"hurts in {counts.hurts} and is undecided in {counts.undecided} of "
        f"{count(counts.total, 'cluster')}{_unmeasured(counts)}."
    )


def negative_transfer_sentence(findings: Findings) -> str:
    row = facts.predictor(findings, "surrogate")
    if row is None or math.isnan(row["n_subsets"]):
        return ""
    cases = count(row["n_subsets"], "held-out case")
    if row["n_harmful"] == 0:
        return f"Of {cases} none was harmful: how well harm is foreseen stays open."
    text = (
        f"Of {cases}, {int(row['n_harmful']):,} were harmful. "
        f"The surrogate finds them with F1 {number(row['f1'], 2)}, balanced accuracy "
        f"{number(row['balanced_accuracy'], 2)} and MCC {number(row['mcc'], 2)}"
    )
    for name, what in (
        ("always", "calling every subset harmful"),
        ("majority", "saying of each task what most subsets do to it"),
    ):
        trivial = facts.predictor(findings, name)
        if trivial is not None:
            text += (
                f"; {what} gets {number(trivial['f1'], 2)}, "
                f"{number(trivial['balanced_accuracy'], 2)} and {number(trivial['mcc'], 2)}"
            )
    return text.replace(UNKNOWN, "undefined") + "."


def curve_sentence(findings: Findings) -> str:
    rows = findings.curves[findings.curves["form"].str.upper() == "EXP3.2"]
    rates = rows["exchange_rate"].dropna()
    if rates.empty:
        return ""
    return (
        f"By the learning curves (EXP3.2), a label of other tasks is worth "
        f"{number(rates.median())} of the task's own in the median over "
        f"{count(len(rates), 'task')}, and less than nothing in {int((rates < 0).sum())}; "
        f"{bounds_sentence(findings)}."
    )


def exchange_rate_sentence(findings: Findings) -> str:
    table = facts.exchange_rates(findings)
    if table is None:
        return ""
    counts = VerdictCounts.of(table["verdict"])
    extremes = [
        f"{words}, one of {row['source']} to {row['target']}, is worth "
        f"{estimate(row['exchange_rate'], row['low'], row['high'])}"
        for verdict, words in (("helps", "the most useful"), ("hurts", "the most harmful"))
        for _, row in facts.strongest(table, "exchange_rate", verdict, 1).iterrows()
    ]
    return (
        f"By the transfer model, a label of another task is worth "
        f"{number(table['exchange_rate'].median())} of the target's own in the median over "
        f"{count(counts.total - counts.unknown, 'ordered pair')}{_unmeasured(counts)}; at a "
        f"false discovery rate of 5 % {counts.helps} are above 0 and {counts.hurts} below"
        f"{'; ' if extremes else ''}{', and '.join(extremes)}."
    )


def next_labels_sentence(findings: Findings) -> str:
    """Return which task to label next, and how many others may be as good."""
    table = facts.next_labels(findings)
    if table is None:
        return ""
    best, others = table.iloc[0], table.iloc[1:]
    text = (
        f"Where to label next: 100 labels more of {best['task']} are expected to change the mean "
        f"{score_name(findings.overview.curve_score)} over tasks by "
        f"{estimate(best['gain'], best['low'], best['high'])}, the most of "
        f"{count(table['gain'].notna().sum(), 'task')}"
    )
    if best["verdict"] != "helps":
        return f"{text}; no task is known to be worth labelling."
    n_rivals = int((others["high"] >= best["low"]).sum())
    if n_rivals == 0:
        return f"{text}; its interval lies above those of all others."
    rivals = count(n_rivals, "other task has an interval", "other tasks have intervals")
    return (
        f"{text}; {rivals} that reach{'es' if n_rivals == 1 else ''} into its own, so that the "
        "order among them is open."
    )


def bounds_sentence(findings: Findings) -> str:
    """Return on how many curves a parameter ended at its bound, so that its value is not known."""
    n_bound = int((findings.curves["at_bound"] != "").sum())
    return f"{n_bound} of {count(len(findings.curves), 'curve')} ended at a bound"


def _unmeasured(counts: VerdictCounts) -> str:
    return f" ({counts.unknown} could not be measured)" if counts.unknown else ""
