"""The key figures, for `dvc metrics`: flat, the same keys in every study."""

import math

from cotrain.report import _facts as facts
from cotrain.report._facts import VerdictCounts
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
        **_counts("together", VerdictCounts.of(findings.transfer["verdict"])),
        **_counts("relevance", VerdictCounts.of(findings.relevance["verdict"])),
        **_counts("pairwise", VerdictCounts.of(findings.pairwise["verdict"])),
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
    return {name: _known(value) for name, value in figures.items()}


def _counts(name: str, counts: VerdictCounts) -> Metrics:
    return {
        f"{name}_helps": counts.helps,
        f"{name}_hurts": counts.hurts,
        f"{name}_undecided": counts.undecided,
        f"{name}_unknown": counts.unknown,
    }


def _negative_transfer(findings: Findings) -> Metrics:
    figures: Metrics = {}
    for name in _PREDICTORS:
        row = facts.predictor(findings, name)
        for figure in _FIGURES:
            value = math.nan if row is None else float(row[figure])
            figures[f"negative_transfer_{name.replace('-', '_')}_{figure}"] = value
    return figures


def _test(findings: Findings) -> Metrics:
    score = facts.main_score(findings)
    rivals = {rival.grouping: rival for rival in facts.rivals(findings, score)}
    figures: Metrics = {
        "test_mean": facts.recommended_mean(findings, score),
        "test_worst_task_recommended": facts.worst_task(findings, facts.RECOMMENDED, score)[1],
    }
    others = [name for name in facts.USUAL if name in rivals and name not in _GROUPINGS]
    for grouping in (*_GROUPINGS, *others):
        rival = rivals.get(grouping)
        name = grouping.replace(" ", "_").replace("-", "_")
        figures[f"test_worst_task_{name}"] = facts.worst_task(findings, grouping, score)[1]
        key = f"test_gain_over_{name}"
        figures[key] = rival.difference if rival else None
        figures[f"{key}_low"] = rival.low if rival else None
        figures[f"{key}_high"] = rival.high if rival else None
    return figures


def _known(value: float | int | bool | None) -> float | int | bool | None:
    return None if value is None or not math.isfinite(value) else value
