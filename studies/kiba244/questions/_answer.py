"""What an answer is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from cotrain.reliability import paired_interval
from lab.bootstrap import cluster_bootstrap

HELPS, HURTS, OTHER = "#0072b2", "#d55e00", "#8c8c8c"


@dataclass(frozen=True, eq=False)
class Answer:
    """Figures for the document, a picture, and tables too long for the document."""

    figures: Mapping[str, Any]
    picture: Figure | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def over_targets(values: np.ndarray, statistic=np.mean, n_bootstrap: int = 2000) -> dict[str, Any]:
    """A statistic over targets with its 95 % interval, drawing targets anew."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if known.size < 2:
        return {"value": None, "low": None, "high": None, "n": int(known.size)}
    drawn = cluster_bootstrap(
        lambda rows: statistic(known[rows]), np.arange(known.size), n_bootstrap=n_bootstrap
    )
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "value": float(statistic(known)), "low": float(low), "high": float(high),
        "n": int(known.size),
    }  # fmt: skip


def over_repeats(values: np.ndarray) -> dict[str, Any]:
    """A mean over repeats with its 95 % interval of Student's."""
    found = paired_interval(np.asarray(values, dtype=float))
    return {
        "value": float(found.estimate), "low": float(found.low), "high": float(found.high),
        "n": int(found.n),
    }  # fmt: skip


def share(n: int, of: int) -> dict[str, Any]:
    """A share with its 95 % interval of Wilson's; unknown of none."""
    if of == 0:
        return {"value": None, "low": None, "high": None, "n": 0}
    ends = stats.binomtest(n, of).proportion_ci(method="wilson")
    return {"value": n / of, "low": float(ends.low), "high": float(ends.high), "n": of}


def counts(verdicts: np.ndarray) -> dict[str, int]:
    """How many verdicts there are of each kind."""
    names = ("helps", "hurts", "undecided", "unknown")
    return {name: int((np.asarray(verdicts) == name).sum()) for name in names}


def mean_known(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Mean of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(known.any(axis=axis), total / np.maximum(known.sum(axis=axis), 1), np.nan)


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman correlation of what both know; NaN below 3 pairs."""
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < 3 or np.ptp(first[known]) == 0 or np.ptp(second[known]) == 0:
        return float("nan")
    return float(stats.spearmanr(first[known], second[known]).statistic)


def spearman_within(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman correlation over sources for each target; matrices are [target, source]."""
    return np.array([spearman(a, b) for a, b in zip(first, second, strict=True)])


def matrix(pairs: pd.DataFrame, column: str, tasks: list[str], source: str) -> np.ndarray:
    """A table of pairs as [target, source]; NaN where unknown and on the diagonal."""
    place = {name: index for index, name in enumerate(tasks)}
    values = np.full((len(tasks), len(tasks)), np.nan)
    values[pairs["target"].map(place), pairs[source].map(place)] = pairs[column]
    np.fill_diagonal(values, np.nan)
    return values


def axes(n_columns: int = 1, width: float = 7.0, height: float = 3.0):
    """A picture with plain axes side by side."""
    picture = Figure(figsize=(width, height), layout="constrained")
    made = [picture.add_subplot(1, n_columns, at + 1) for at in range(n_columns)]
    for one in made:
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(labelsize=8)
    return picture, made
