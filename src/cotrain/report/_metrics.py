"""The key figures, for `dvc metrics`: flat, the same keys in every study."""

import math

import pandas as pd

from cotrain.report import _facts as facts
from cotrain.report._findings import Findings

# Always in the file; null where a study does not have them.
_GROUPINGS = (
    "base rate", "linear", "forest", "single-task", "all together", "ensemble", "checkpoints",
    "random", "clustering", "affinity",
)  # fmt: skip
_PREDICTORS = (
    "surrogate", "always", "never", "prior-random", "majority", "ceiling", "affinity", "cosine",
)  # fmt: skip
_FIGURES = ("f1", "balanced_accuracy", "mcc", "average_precision")

Metrics = dict[str, float | int | bool | None]


def key_figures(findings: Findings) -> Metrics:
    """Return the key figures by name; an unknown figure is None. Gains are positive if better."""
    view, best = findings.overview, findings.recommendation
    figures: Metrics = {
        "n_tasks": len(findings.tasks),
        "n_labels": int(findings.fold_counts["n_labels"].sum()),
        "n_repeats": view.n_repeats,
        "n_subsets": view.n_subsets,
        "reliability": view.reliability,
        "reliability_low": view.reliability_low,
        "reliability_high": view.reliability_high,
        "spearman": view.spearman,
        "spearman_ceiling": view.ceiling,
        "together_mean_gain": float(findings.transfer["gain"].mean()),
        **_counts("together", findings.transfer),
        **_counts("relevance", findings.relevance),
        **_counts("pairwise", findings.pairwise),
        **_negative_transfer(findings),
        "n_groups": len(best.groups),
        "predicted": best.predicted,
        "predicted_gap": best.gap,
        "is_optimal": best.is_optimal,
        **_test(findings),
        "skill_tasks": int(findings.skill["skilled"].sum()),
        "placebo_helps": view.placebo_helps,
        "placebo_hurts": view.placebo_hurts,
    }
    return {
        name: None if value is None or not math.isfinite(value) else value
        for name, value in figures.items()
    }


def _counts(name: str, table: pd.DataFrame) -> Metrics:
    return {f"{name}_{verdict}": n for verdict, n in facts.verdict_counts(table["verdict"]).items()}


def _negative_transfer(findings: Findings) -> Metrics:
    found = findings.negative_transfer.set_index("predictor").reindex(_PREDICTORS)
    return {
        f"negative_transfer_{name.replace('-', '_')}_{figure}": float(found[figure][name])
        for name in _PREDICTORS
        for figure in _FIGURES
    }


def _test(findings: Findings) -> Metrics:
    score = facts.main_score(findings)
    groupings = list(dict.fromkeys((*_GROUPINGS, *facts.usual(findings))))
    rivals = facts.rivals(findings, score).set_index("grouping").reindex(groupings)
    figures: Metrics = {
        "test_mean": facts.recommended_mean(findings, score),
        "test_worst_task_recommended": facts.worst_task(findings, facts.RECOMMENDED, score)[1],
    }
    for grouping in groupings:
        name = grouping.replace(" ", "_").replace("-", "_")
        figures[f"test_worst_task_{name}"] = facts.worst_task(findings, grouping, score)[1]
        for column, end in (("difference", ""), ("low", "_low"), ("high", "_high")):
            figures[f"test_gain_over_{name}{end}"] = float(rivals[column][grouping])
    return figures
