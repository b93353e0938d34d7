"""What follows from the tables alone: counts of verdicts, extremes, wins and losses."""

import math

import numpy as np
import pandas as pd

from cotrain.reliability import interval_verdicts
from cotrain.report._findings import Findings
from cotrain.report._words import ROUNDING
from cotrain.scores import find_score
from cotrain.tables import pair_frame, pair_matrix

ALPHA = 0.05
LITTLE_IN_COMMON = 0.3
"""Share of a target's examples; below, affinities turn to noise (docs/results/transference.md)."""
RECOMMENDED, BASE_RATE = "recommended", "base rate"
SAME = "same models"  # the verdict on a rival that is what is recommended
# Ways to predict that take what this study found.
_FOUND = frozenset({RECOMMENDED, "grouping", "checkpoints", "random", "clustering", "affinity"})


def verdict_counts(verdicts: pd.Series) -> dict[str, int]:
    """Return how many effects help, hurt, are undecided, or could not be measured (unknown)."""
    counts = {name: int((verdicts == name).sum()) for name in ("helps", "hurts", "undecided")}
    return counts | {"unknown": len(verdicts) - sum(counts.values())}


def exchange_rates(findings: Findings) -> pd.DataFrame | None:
    """Return the exchange rates with verdicts; None if there is none."""
    return _judged(findings.exchange_rates, "exchange_rate")


def next_labels(findings: Findings) -> pd.DataFrame | None:
    """Return what more labels of each task bring, the best first; None if nothing is known."""
    table = _judged(findings.next_labels, "gain")
    return None if table is None else table.sort_values("rank", kind="stable")


def _judged(table: pd.DataFrame, estimate: str) -> pd.DataFrame | None:
    """A table with the verdicts of its intervals at a false discovery rate over all of its rows."""
    if table[estimate].isna().all():
        return None
    value, low, high = (table[name].to_numpy() for name in (estimate, "low", "high"))
    return table.assign(verdict=interval_verdicts(value, low, high, ALPHA).tolist())


def shares(findings: Findings) -> pd.DataFrame:
    """Return the share of each target's examples that each source has labels of, for all pairs."""
    share = np.nan_to_num(pair_matrix(findings.overlap, findings.tasks, "share"))
    return pair_frame(findings.tasks, {"share": share})


def largest_affinities(findings: Findings, n: int) -> pd.DataFrame:
    """Return the `n` pairs of the largest affinities, with what they share, the largest first."""
    largest = findings.affinity.nlargest(n, "affinity")
    both = largest.merge(findings.overlap, "left", ["target", "source"])
    return both.fillna({"n_shared": 0, "share": 0.0, "group_share": 0.0})


def affinity_steps(findings: Findings) -> pd.DataFrame:
    """Return the recorded steps at which most pairs have an affinity.

    An epoch's last batch may hold few rows: what it says of few pairs, and wildly, is left out.
    """
    table = findings.affinity_steps
    return table[2 * table["n_pairs"] >= table["n_pairs"].max()].sort_values("step")


def strongest(table: pd.DataFrame, effect: str, verdict: str, n: int) -> pd.DataFrame:
    """Return the `n` rows of the largest effects with a verdict, the largest first."""
    rows = table[(table["verdict"] == verdict) & table[effect].notna()]
    order = rows[effect].abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[order[:n]]


def scores_compared(findings: Findings) -> list[str]:
    return list(dict.fromkeys(findings.comparison["score"]))


def main_score(findings: Findings) -> str:
    return next(iter(scores_compared(findings)), findings.overview.score)


def nothing_learnt(findings: Findings) -> bool:
    """Return whether the base rate is as good as any model, so that nothing may be claimed."""
    return _chosen(findings) == BASE_RATE


def _chosen(findings: Findings) -> str:
    return str(findings.portfolios.loc[findings.portfolios["chosen"] > 0, "portfolio"].iloc[0])


def serves_by_one(findings: Findings) -> bool:
    """Whether groups overlap, and yet each task is predicted by one model."""
    models = findings.portfolio.models
    served = [task for model in models for task in model.serves or model.members]
    return any(model.serves for model in models) and len(served) == len(set(served))


def compared(findings: Findings, score: str) -> pd.DataFrame:
    """Return the recommended portfolio, then its rivals, on test labels by one score.

    Rows of the table `comparison` of predictions as they are, not recalibrated, with a `verdict` on
    the portfolio and the score of each way's worst task, `worst_task`.
    """
    table = findings.comparison
    rows = table[(table["calibration"] == "raw") & (table["score"] == score)]
    judged = zip(rows["low"], rows["high"], rows["p_value"], strict=True)
    same = _same_models(findings)
    verdicts = [
        SAME if name in same else verdict(*each)
        for name, each in zip(rows["grouping"], judged, strict=True)
    ]
    worst = [worst_task(findings, grouping, score)[1] for grouping in rows["grouping"]]
    return rows.assign(verdict=verdicts, worst_task=worst)


def _same_models(findings: Findings) -> set[str]:
    """Return the rivals that are the recommended portfolio: by its name, or equal by every score.

    One by its name may be blended otherwise, and then only its ranks are the same.
    """
    table = findings.comparison[findings.comparison["calibration"] == "raw"]
    equal = table[["difference", "low", "high"]].abs().max(axis=1, skipna=False) < ROUNDING
    same = equal.groupby(table["grouping"]).all()
    n_models = table.groupby("grouping")["n_models"].first()
    if n_models.get(_chosen(findings)) == n_models[RECOMMENDED]:
        same[_chosen(findings)] = True
    return set(same.index[same])


def usual(findings: Findings) -> list[str]:
    """Return what one would do without this study: each learner, alone, together, an ensemble."""
    ways = dict.fromkeys(findings.comparison["grouping"])
    return [name for name in ways if name not in {*_FOUND, BASE_RATE}]


def rivals(findings: Findings, score: str) -> pd.DataFrame:
    """Return what `compared` does, without the recommended portfolio."""
    table = compared(findings, score)
    return table[table["grouping"] != RECOMMENDED]


def verdict(low: float, high: float, p_value: float) -> str:
    """Return better or worse where the interval leaves out 0 and the p-value, if any, agrees."""
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    if p_value > ALPHA or low <= 0 <= high:
        return "undecided"
    return "better" if low > 0 else "worse"


def recommended_mean(findings: Findings, score: str) -> float:
    table = compared(findings, score)
    return float(table.loc[table["grouping"] == RECOMMENDED, "mean"].mean())


def task_scores(findings: Findings, score: str) -> pd.DataFrame:
    """Return what every way has on test labels, task by task, by one score, not recalibrated."""
    table = findings.task_comparison
    return table[(table["calibration"] == "raw") & (table["score"] == score)]


def worst_task(findings: Findings, grouping: str, score: str) -> tuple[str, float]:
    """Return a way's worst task by its mean test score, and that score; NaN if there is none."""
    rows = task_scores(findings, score)
    rows = rows[(rows["grouping"] == grouping) & rows["mean"].notna()]
    if rows.empty:
        return "", math.nan
    row = rows.iloc[int((find_score(score).sign * rows["mean"]).argmin())]
    return str(row["task"]), float(row["mean"])


def predictor(findings: Findings, name: str) -> "pd.Series | None":
    rows = findings.negative_transfer[findings.negative_transfer["predictor"] == name]
    return rows.iloc[0] if len(rows) else None
