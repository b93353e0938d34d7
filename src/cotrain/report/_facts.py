"""What follows from the tables alone: counts of verdicts, extremes, wins and losses."""

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from cotrain.reliability import interval_verdicts
from cotrain.report._findings import Findings
from cotrain.scores import find_score

ALPHA = 0.05
RECOMMENDED = "recommended"
# What one would do without this study, in the order in which it is said.
USUAL = (
    "forest",
    "linear",
    "kernel",
    "boosting",
    "pooled",
    "single-task",
    "all together",
    "ensemble",
)
BASE_RATE = "base rate"


@dataclass(frozen=True)
class VerdictCounts:
    """How many effects help, hurt, are undecided, or could not be measured."""

    helps: int
    hurts: int
    undecided: int
    unknown: int

    @classmethod
    def of(cls, verdicts: pd.Series) -> "VerdictCounts":
        helps, hurts, undecided = (
            int((verdicts == name).sum()) for name in ("helps", "hurts", "undecided")
        )
        return cls(helps, hurts, undecided, len(verdicts) - helps - hurts - undecided)

    @property
    def total(self) -> int:
        return self.helps + self.hurts + self.undecided + self.unknown


@dataclass(frozen=True)
class Rival:
    """The recommended portfolio against another on test labels; a positive difference is a win.

    `low` and `high` are the ends of the 95 % interval of `difference`; `wins` and `loses` count the
    tasks that are decided, corrected for all tasks and rivals.
    """

    grouping: str
    score: str
    mean: float
    difference: float
    low: float
    high: float
    p_value: float
    n_repeats: int
    wins: int = 0
    loses: int = 0
    n_tasks: int = 0

    @property
    def verdict(self) -> Literal["better", "worse", "undecided", "unknown"]:
        """Better or worse where the interval leaves out 0 and the p-value, if any, agrees."""
        if math.isnan(self.low) or math.isnan(self.high):
            return "unknown"
        if self.p_value > ALPHA or self.low <= 0 <= self.high:
            return "undecided"
        return "better" if self.low > 0 else "worse"


def exchange_rates(findings: Findings) -> pd.DataFrame | None:
    """Return the exchange rates with verdicts; None if there is none."""
    table = findings.exchange_rates
    if table["exchange_rate"].isna().all():
        return None
    return table.assign(verdict=_verdicts(table, "exchange_rate"))


def next_labels(findings: Findings) -> pd.DataFrame | None:
    """Return what more labels of each task bring, the best first; None if nothing is known."""
    table = findings.next_labels
    if table["gain"].isna().all():
        return None
    verdict = _verdicts(table, "gain")
    return table.assign(verdict=verdict).sort_values("rank", kind="stable")


def _verdicts(table: pd.DataFrame, estimate: str) -> pd.Series:
    """Return the verdicts of a table's intervals at a false discovery rate over all of its rows."""
    value, low, high = (table[name].to_numpy() for name in (estimate, "low", "high"))
    return pd.Series(interval_verdicts(value, low, high, ALPHA).tolist(), index=table.index)


def affinity_steps(findings: Findings) -> pd.DataFrame | None:
    """Return the recorded steps at which most pairs have an affinity; None if there is no table.

    An epoch's last batch may hold few rows: what it says of few pairs, and wildly, is left out.
    """
    table = findings.affinity_steps
    if table.empty:
        return None
    return table[2 * table["n_pairs"] >= table["n_pairs"].max()].sort_values("step")


def strongest(table: pd.DataFrame, effect: str, verdict: str, n: int) -> pd.DataFrame:
    """Return the `n` rows of the largest effects with a verdict, the largest first."""
    rows = table[(table["verdict"] == verdict) & table[effect].notna()]
    order = rows[effect].abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[order[:n]]


def repeats_to_decide_half(pairwise: pd.DataFrame) -> float:
    return float(pairwise.loc[pairwise["verdict"] == "undecided", "repeats_to_decide"].median())


def scores_compared(findings: Findings) -> list[str]:
    return list(dict.fromkeys(findings.comparison["score"]))


def nothing_learnt(findings: Findings) -> bool:
    """Return whether the base rate is as good as any model, so that nothing may be claimed."""
    return chosen_portfolio(findings) == BASE_RATE


def chosen_portfolio(findings: Findings) -> str:
    return str(findings.portfolios.loc[findings.portfolios["chosen"] > 0, "portfolio"].iloc[0])


def is_grouped(findings: Findings) -> bool:
    n_tasks = findings.weights["task"].nunique()
    return any(1 < len(model.members) < n_tasks for model in findings.portfolio.models)


def n_recommended(findings: Findings) -> int:
    table = findings.comparison
    return int(table.loc[table["grouping"] == RECOMMENDED, "n_models"].iloc[0])


def main_score(findings: Findings) -> str:
    scores = scores_compared(findings)
    return scores[0] if scores else findings.overview.score


def raw_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a comparison of predictions as they are, not recalibrated."""
    return table[table["calibration"] == "raw"]


def rivals(findings: Findings, score: str) -> list[Rival]:
    """Return the recommended portfolio's rivals on test labels by one score, in their order."""
    table = raw_rows(findings.comparison)
    rows = table[(table["score"] == score) & (table["grouping"] != RECOMMENDED)]
    return [
        Rival(
            grouping=row["grouping"],
            score=score,
            **{name: row[name] for name in ("mean", "difference", "low", "high", "p_value")},
            **{name: _whole(row[name]) for name in ("n_repeats", "wins", "loses", "n_tasks")},
        )
        for _, row in rows.iterrows()
    ]


def _whole(value: float) -> int:
    return 0 if math.isnan(value) else int(value)


def recommended_mean(findings: Findings, score: str) -> float:
    table = raw_rows(findings.comparison)
    rows = table[(table["score"] == score) & (table["grouping"] == RECOMMENDED)]
    return float(rows["mean"].iloc[0]) if len(rows) else math.nan


def worst_task(findings: Findings, grouping: str, score: str) -> tuple[str, float]:
    """Return a way's worst task by its mean test score, and that score; NaN if there is none."""
    table = raw_rows(findings.task_comparison)
    rows = table[(table["grouping"] == grouping) & (table["score"] == score)]
    signed = find_score(score).sign * rows["mean"]
    if signed.isna().all():
        return "", math.nan
    row = rows.iloc[int(signed.argmin())]
    return str(row["task"]), float(row["mean"])


def reliability_of(findings: Findings) -> dict[str, float]:
    table = findings.surrogates
    return dict(zip(table["target"], table["reliability"], strict=True))


def predictor(findings: Findings, name: str) -> "pd.Series | None":
    rows = findings.negative_transfer[findings.negative_transfer["predictor"] == name]
    return rows.iloc[0] if len(rows) else None


def groups_are_decided(counts: VerdictCounts) -> bool:
    return counts.helps + counts.hurts > 0
