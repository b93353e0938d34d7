"""What tasks do to each other, section by section."""

import pandas as pd

from cotrain.report import _facts as facts
from cotrain.report import _plots
from cotrain.report import _sentences as say
from cotrain.report._findings import Findings
from cotrain.report._page import Section, Table, texts_of, when
from cotrain.report._pairs import Pairs
from cotrain.report._svg import Picture
from cotrain.report._words import number, score_name

# Limits that keep figures and lists readable; all is in the tables of the page or of the study.
MAX_GAIN_ROWS, MAX_PAIRS = 40, 15
_PREDICTORS = {
    "always": "always harmful",
    "never": "never harmful",
    "prior-random": "at random, as often as harm is",
    "majority": "what is usual for the target",
    "ceiling": "estimated ceiling: effects known without noise",
    "affinity": "mean gradient affinity",
    "cosine": "mean gradient cosine",
}


def together(findings: Findings) -> Section:
    table, score = findings.transfer, score_name(findings.overview.score)
    ranked = table.sort_values("gain", ascending=False, kind="stable")
    known, half = ranked[ranked["gain"].notna()], MAX_GAIN_ROWS // 2
    cut = len(known) > MAX_GAIN_ROWS
    shown = pd.concat([known.head(half), known.tail(half)]) if cut else known
    figure = Picture(
        "single_against_together",
        "What one model for all tasks gains over one model a task",
        lambda: _plots.gains(shown, f"gain in {score}"),
    )
    which = (
        f"The figure shows the {half} tasks with the highest and the {half} with the lowest gain."
    )
    return Section(
        "together",
        "One model a task, or one for all",
        [say.together(findings), which if cut else ""],
        when(len(shown), figure),
        [
            Table(
                f"One model a task against one for all, validation {score}",
                texts_of(ranked, "task single together gain p_value verdict"),
            )
        ],
    )


def relevance(findings: Findings, pairs: Pairs) -> Section:
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
        [strongest(told, columns, "relevance")],
    )


def pairwise(findings: Findings, pairs: Pairs) -> Section:
    clusters = findings.clusters
    decided = clusters[clusters["verdict"] != "undecided"]
    figure = pairs.heat_map(
        "pairwise",
        "What one fold more of an auxiliary task adds to a target task (statTAG)",
        "statTAG",
        f"gain in {score_name(findings.overview.curve_score)}",
    )
    return Section(
        "pairwise",
        "Which task helps which: one fold more (statTAG)",
        [say.pairwise(findings), say.clusters(findings)],
        figure,
        [
            Table(
                "Tasks whose labels correlate: a fold more of one for another of them",
                texts_of(decided, "tasks verdict effect p_value"),
                "All are in data/analysis/clusters.csv." if len(clusters) else "",
            ),
            strongest(findings.pairwise, "auxiliary verdict target effect p_value", "pairwise"),
        ],
    )


def measures(findings: Findings, pairs: Pairs) -> Section:
    steps = facts.affinity_steps(findings)
    recorded = not findings.affinity.empty
    over_time = Picture(
        "affinity_steps", "Gradient affinity over training", lambda: _plots.affinity_steps(steps)
    )
    correlations = pairs.rank_correlations().map(lambda value: number(value, 2))
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
                "affinity",
                "Measures of what one task does to another, in one order",
                ("affinity", "examples in common", "surrogate relevance", "statTAG"),
            ),
            *when(len(steps) > 1, over_time),
        ],
        [
            Table(
                "Spearman correlation over the pairs that both know",
                correlations.rename_axis("measure").reset_index(),
                may_fold=False,
            ),
            Table(
                "The largest gradient affinities, and the examples that the two tasks share",
                texts_of(
                    facts.largest_affinities(findings, MAX_PAIRS),
                    "source target affinity cosine n_shared share group_share",
                ),
                f"At most {MAX_PAIRS} are listed; shares are of the target's examples and of its "
                "groups, such as scaffolds. All are in data/analysis/affinity.csv and "
                "data/prepared/overlap.csv.",
            ),
            Table(
                "What the measures cost", texts_of(findings.costs, "measure n_fits gflop seconds")
            ),
        ],
    )


def predictions(findings: Findings) -> Section:
    known = findings.predictions.dropna(subset=["measured", "predicted"])
    figure = Picture(
        "predictions",
        "Predicted and measured gains of held-out subsets",
        lambda: _plots.predictions(known, findings.overview.score),
    )
    return Section(
        "predictions",
        "Subsets that the surrogate never saw: predicted and measured",
        [say.reliability(findings), say.negative_transfer(findings)],
        when(len(known), figure),
        [
            Table(
                "Reliability and prediction, target by target",
                texts_of(
                    findings.surrogates.sort_values("reliability", ascending=False, kind="stable"),
                    "target n_subsets reliability spearman ceiling adequacy_p",
                ),
            ),
            Table(
                "Foreseeing negative transfer on held-out subsets",
                texts_of(
                    findings.negative_transfer.replace({"predictor": _PREDICTORS}),
                    "predictor f1 balanced_accuracy mcc average_precision n_subsets n_harmful",
                ),
            ),
        ],
    )


def strongest(table: pd.DataFrame, columns: str, file: str) -> Table:
    """The pairs of the largest decided effects; the note says where the others are."""
    effect = next(name for name in ("relevance", "effect", "exchange_rate") if name in table)
    rows = [facts.strongest(table, effect, verdict, MAX_PAIRS) for verdict in ("helps", "hurts")]
    return Table(
        "The strongest decided effects",
        texts_of(pd.concat(rows), columns),
        f"At most {MAX_PAIRS} that help and {MAX_PAIRS} that hurt are listed; all are in "
        f"data/analysis/{file}.csv.",
    )
