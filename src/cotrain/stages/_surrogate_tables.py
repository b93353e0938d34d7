"""Tables of what subsets of tasks tell: relevance, reliability, negative transfer."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cotrain.exceptions import SettingsError
from cotrain.observations import SubsetScores
from cotrain.reliability import Reliability, split_half_reliability
from cotrain.settings import AnalyzeSettings
from cotrain.surrogates import (
    LinearSurrogate,
    NegativeTransfer,
    Relevance,
    fit_surrogates,
    identify_negative_transfer,
    paired_effects,
    relevance,
)

# The reliability from which a ranking may be called reliable, by custom of psychometrics.
RELIABLE = 0.8


@dataclass(frozen=True, eq=False)
class SubsetAnalysis:
    """What the subsets of a study tell, target by target.

    Attributes
    ----------
    tasks : tuple of str, (K,)
    indicators : ndarray, (n_subsets, K)
        The subsets of two tasks and more.
    effects : ndarray, (n_repeats, n_subsets, K)
        Gain of each subset over the single task, paired by repeat.
    relevance : Relevance
    intercept : ndarray, (K,)
        The surrogates' score of each task alone.
    reliability : Reliability or None
        None with one repeat.
    negative : NegativeTransfer
        Of the held-out subsets.
    predicted : ndarray, (n_held_out, K)
        Effects of the held-out subsets, predicted from the others.
    """

    tasks: tuple[str, ...]
    indicators: np.ndarray
    effects: np.ndarray
    relevance: Relevance
    intercept: np.ndarray
    reliability: Reliability | None
    negative: NegativeTransfer
    predicted: np.ndarray

    @classmethod
    def of(
        cls, subsets: SubsetScores, tasks: tuple[str, ...], settings: AnalyzeSettings
    ) -> "SubsetAnalysis":
        """Fit the surrogates of every target.

        Raises
        ------
        SettingsError
            If there are too few subsets; the message says what to raise.
        """
        sizes = subsets.indicators.sum(axis=1)
        several = subsets.take((sizes > 1) & (sizes < len(tasks)))
        effects = paired_effects(several.scores, subsets.single)
        surrogate = LinearSurrogate(ridge=settings.ridge)
        try:
            negative = identify_negative_transfer(
                several.indicators,
                effects,
                surrogate=surrogate,
                held_out=settings.held_out,
                random_state=settings.seed,
            )
            known = np.setdiff1d(np.arange(len(several.indicators)), negative.held_out)
            fitted = fit_surrogates(several.indicators[known], effects[:, known], surrogate)
            every = (subsets.indicators, subsets.scores)
            found = relevance(*every, ridge=settings.ridge, fdr=settings.fdr)
            intercept = fit_surrogates(*every, surrogate).intercept
        except ValueError as error:
            raise SettingsError(
                f"{len(several.indicators)} subsets do not serve to fit surrogates ({error}); "
                f"raise `plan.subsets.n_subsets`"
            ) from error
        reliability = None
        if len(effects) > 1:
            reliability = split_half_reliability(effects, random_state=settings.seed)
        return cls(
            tasks,
            several.indicators,
            effects,
            found,
            intercept,
            reliability,
            negative,
            fitted.predict(several.indicators[negative.held_out]),
        )

    @property
    def measured(self) -> np.ndarray:
        """Mean effects of the held-out subsets, (n_held_out, K); NaN where not scored."""
        held_out = self.effects[:, self.negative.held_out]
        known = ~np.isnan(held_out)
        total = np.where(known, held_out, 0.0).sum(axis=0)
        return total / np.where(known.any(axis=0), known.sum(axis=0), np.nan)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the names of their files."""
        return {
            "relevance": self._relevance(),
            "surrogates": self._targets(),
            "predictions": self._predictions(),
            "negative_transfer": self._figures(),
        }

    def summary(self) -> dict[str, Any]:
        """The key figures; unknown ones are None."""
        found = self.reliability
        return {
            "n_repeats": len(self.effects),
            "n_subsets": len(self.indicators),
            "reliability": {
                "mean": _known(found.mean if found else math.nan),
                "low": _known(found.low if found else math.nan),
                "high": _known(found.high if found else math.nan),
                "repeats_needed": _known(_repeats_needed(found) if found else math.nan),
            },
            "spearman": _known(self.negative.spearman),
            "ceiling": _known(found.ceiling if found else math.nan),
        }

    def describe(self) -> str:
        """One line for the terminal."""
        reliability = f"{self.reliability.mean:.2f}" if self.reliability else "unknown (one repeat)"
        return (
            f"{self.relevance.count('helps')} pairs help, {self.relevance.count('hurts')} hurt, "
            f"{self.relevance.count('undecided')} are undecided; reliability {reliability}, "
            f"Spearman on held-out subsets {self.negative.spearman:.2f}"
        )

    def _relevance(self) -> pd.DataFrame:
        frame = self.relevance.to_frame(self.tasks).rename(columns={"estimate": "relevance"})
        pairs = ~np.eye(len(self.tasks), dtype=bool)
        frame["standard_error"] = self.relevance.standard_error[pairs]
        return frame

    def _targets(self) -> pd.DataFrame:
        n_tasks = len(self.tasks)
        unknown = np.full(n_tasks, np.nan)
        reliability = self.reliability.per_target if self.reliability else unknown
        return pd.DataFrame(
            {
                "target": self.tasks,
                "intercept": self.intercept,
                "n_subsets": (~np.isnan(self.effects).all(axis=0)).sum(axis=0),
                "reliability": reliability,
                "spearman": [
                    _spearman(self.predicted[:, task], self.measured[:, task])
                    for task in range(n_tasks)
                ],
                "ceiling": np.sqrt(np.maximum(reliability, 0.0)),
            }
        )

    def _predictions(self) -> pd.DataFrame:
        rows, tasks = np.nonzero(self.negative.scored)
        subsets = self.indicators[self.negative.held_out]
        names = [
            " + ".join(self.tasks[task] for task in np.flatnonzero(subset)) for subset in subsets
        ]
        return pd.DataFrame(
            {
                "target": [self.tasks[task] for task in tasks],
                "members": [names[row] for row in rows],
                "measured": self.measured[rows, tasks],
                "predicted": self.predicted[rows, tasks],
                "probability": self.negative.probability[rows, tasks],
                "harmful": self.negative.negative[rows, tasks].astype(np.int64),
            }
        )

    def _figures(self) -> pd.DataFrame:
        figures = self.negative.to_frame().reset_index()
        figures["n_subsets"] = int(self.negative.scored.sum())
        figures["n_harmful"] = int(self.negative.negative.sum())
        return figures


def _repeats_needed(reliability: Reliability) -> float:
    """Repeats whose mean would have the reliability RELIABLE (Spearman and Brown)."""
    r = reliability.mean
    if not r > 0:
        return math.nan
    factor = RELIABLE * (1 - r) / (r * (1 - RELIABLE))
    return float(math.ceil(reliability.n_repeats * factor))


def _spearman(predicted: np.ndarray, measured: np.ndarray) -> float:
    known = ~np.isnan(predicted) & ~np.isnan(measured)
    if known.sum() < 3 or np.ptp(predicted[known]) == 0 or np.ptp(measured[known]) == 0:
        return math.nan
    return float(stats.spearmanr(predicted[known], measured[known]).statistic)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
