"""Tables of what subsets of tasks tell: relevance, reliability, negative transfer."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from cotrain.analysis._observations import SubsetScores
from cotrain.exceptions import SettingsError
from cotrain.means import mean_known
from cotrain.reliability import Reliability, paired_interval, spearman_brown, split_half_reliability
from cotrain.scores import find_score
from cotrain.settings import AnalyzeSettings
from cotrain.surrogates import (
    AffinitySurrogate,
    DesignWarning,
    LabelCurveSurrogate,
    LinearSurrogate,
    NegativeTransfer,
    Relevance,
    choose_surrogate,
    fit_surrogates,
    identify_negative_transfer,
    lack_of_fit,
    paired_effects,
    relevance,
    spearman_by_target,
)
from cotrain.tables import pair_frame

# The reliability from which a ranking may be called reliable, by custom of psychometrics.
RELIABLE = 0.8


@dataclass(frozen=True, eq=False)
class SubsetAnalysis:
    """What the subsets of a study tell, target by target."""

    tasks: tuple[str, ...]  # (K,)
    score: str  # what the subsets were scored by
    indicators: np.ndarray  # (n_subsets, K): the subsets of two tasks and more
    # (n_repeats, n_subsets, K): gain of each subset over the single task, paired by repeat
    effects: np.ndarray
    relevance: Relevance
    intercept: np.ndarray  # (K,): the surrogates' score of each task alone
    reliability: Reliability | None  # None with one repeat
    negative: NegativeTransfer  # of the held-out subsets
    # (n_repeats, n_subsets, K): effects in each repeat, predicted from subsets of other parts in
    # the other repeats (with one repeat, in it): each subset is held out once
    predicted: np.ndarray
    # what predicts: "linear", also where subsets are too few to hold some out, or another of the
    # candidates where that is clearly better on the subsets that are not held out. Relevances are
    # the linear one's
    surrogate: str
    # (K,): P-value of the linear surrogate being adequate (lack-of-fit test); NaN with one repeat
    adequacy_p: np.ndarray

    @classmethod
    def of(
        cls,
        subsets: SubsetScores,
        tasks: tuple[str, ...],
        n_labels: np.ndarray,
        settings: AnalyzeSettings,
        affinity: np.ndarray | None = None,
    ) -> "SubsetAnalysis":
        """Fit the surrogates of every target; the arguments are those of `candidates`.

        If there are too few subsets a SettingsError says what to raise.
        """
        sizes = subsets.indicators.sum(axis=1)
        several = subsets.take((sizes > 1) & (sizes < len(tasks)))
        effects = paired_effects(several.scores, subsets.single)
        # Without surrogates the effect of one task on another is what training both changed.
        needs_surrogates = not is_direct(subsets)
        held_out, intercept = _nothing_held_out(effects), mean_known(subsets.single)
        reliability, adequacy_p = None, np.full(len(tasks), np.nan)
        try:
            if needs_surrogates:
                known = candidates(n_labels, affinity, settings.ridge)
                held_out = _hold_out(several.indicators, effects, known, settings)
                linear = LinearSurrogate(ridge=settings.ridge)
                intercept = fit_surrogates(subsets.indicators, subsets.scores, linear).intercept
            found = subset_relevance(subsets, settings.ridge, settings.fdr)
        except ValueError as error:
            more = len(several.indicators) < 2 ** len(tasks) - len(tasks) - 2
            advice = "raise `plan.subsets.n_subsets`" if more else "there are no others: add tasks"
            raise SettingsError(
                f"{len(several.indicators)} subsets do not serve to fit surrogates ({error}); "
                f"{advice}"
            ) from error
        if needs_surrogates:
            adequacy_p = lack_of_fit(several.indicators, effects)[1]
            if len(effects) > 1:
                reliability = split_half_reliability(effects, random_state=settings.seed)
        return cls(
            tasks, settings.score, several.indicators, effects, found, intercept, reliability,
            *held_out, adequacy_p,
        )  # fmt: skip

    @property
    def mean_effects(self) -> np.ndarray:
        """Effects averaged over repeats, (n_subsets, K); NaN where not scored."""
        return mean_known(self.effects)

    @property
    def spearman(self) -> np.ndarray:
        """Of predicted and measured effects in a fresh repeat, (K,): the mean over repeats.

        Over all subsets, as the ceiling is: the Spearman of a few falls short of that of many.
        """
        return mean_known([*map(spearman_by_target, self.predicted, self.effects)])

    @property
    def ceiling(self) -> np.ndarray:
        """What `spearman` would be if the effects without noise were known, (K,).

        The square root of the reliability of one repeat.
        """
        if self.reliability is None:
            return np.full(len(self.tasks), np.nan)
        one = spearman_brown(self.reliability.per_target, 1 / self.reliability.n_repeats)
        return np.sqrt(np.maximum(one, 0.0))

    def tables(self) -> dict[str, pd.DataFrame]:
        figures = self.negative.to_frame().reset_index()
        figures["n_subsets"] = int(self.negative.scored.sum())
        figures["n_harmful"] = int(self.negative.negative.sum())
        return {
            "relevance": relevance_table(self.relevance, self.tasks),
            "surrogates": self._targets(),
            "predictions": self._predictions(),
            "negative_transfer": figures,
        }

    def summary(self) -> dict[str, Any]:
        found = self.reliability
        return {
            "n_repeats": len(self.effects),
            "n_subsets": len(self.indicators),
            "surrogate": self.surrogate,
            "reliability": {
                "mean": found and _known(found.mean),
                "low": found and _known(found.low),
                "high": found and _known(found.high),
                "repeats_needed": found and _known(_repeats_needed(found)),
            },
            "spearman": _known(mean_known(self.spearman)),
            "ceiling": _known(mean_known(self.ceiling)),
        }

    def describe(self) -> str:
        reliability = _shown(self.reliability.mean) if self.reliability else "unknown (one repeat)"
        predicted = "no surrogate predicts held-out subsets better than the mean of the others"
        if self.surrogate != "none":
            predicted = (
                f"the {self.surrogate} surrogate predicts held-out subsets with a Spearman of "
                f"{_shown(float(mean_known(self.spearman)))}"
            )
        ceiling = _shown(float(mean_known(self.ceiling)))
        return f"reliability {reliability}, {predicted} (ceiling {ceiling})"

    def _targets(self) -> pd.DataFrame:
        unknown = np.full(len(self.tasks), np.nan)
        reliability = self.reliability.per_target if self.reliability else unknown
        return pd.DataFrame(
            {
                "target": self.tasks,
                "intercept": find_score(self.score).sign * self.intercept,
                "n_subsets": (~np.isnan(self.effects).all(axis=0)).sum(axis=0),
                "reliability": reliability,
                "spearman": self.spearman,
                "ceiling": self.ceiling,
                "adequacy_p": self.adequacy_p,
            }
        )

    def _predictions(self) -> pd.DataFrame:
        rows, tasks = np.nonzero(self.negative.scored)
        held_out = self.negative.held_out
        measured, predicted = self.mean_effects[held_out], mean_known(self.predicted[:, held_out])
        subsets = self.indicators[held_out]
        names = [
            " + ".join(self.tasks[task] for task in np.flatnonzero(subset)) for subset in subsets
        ]
        columns = {
            "measured": measured,
            "predicted": predicted,
            "probability": self.negative.probability,
            "harmful": self.negative.negative,
        }
        return pd.DataFrame(
            {
                "target": [self.tasks[task] for task in tasks],
                "members": [names[row] for row in rows],
                **{name: values[rows, tasks] for name, values in columns.items()},
            }
        )


def _nothing_held_out(effects: np.ndarray) -> tuple[NegativeTransfer, np.ndarray, str]:
    """What is said where no subset can be held out."""
    none = np.empty((0, effects.shape[2]))
    none_of = none.astype(bool)
    negative = NegativeTransfer(none, none_of, none_of, 0.5, {}, np.empty(0, dtype=np.intp))
    return negative, np.full(effects.shape, np.nan), "linear"


def relevance_table(found: Relevance, tasks: Sequence[str]) -> pd.DataFrame:
    """The relevance of each source for each target, one row an ordered pair."""
    columns = ("low", "high", "p_value", "verdict", "n_together", "standard_error")
    values = {name: getattr(found, name) for name in columns}
    return pair_frame(tasks, {"relevance": found.estimate, **values})


def candidates(
    n_labels: np.ndarray,
    affinity: np.ndarray | None = None,
    ridge: float | Literal["evidence"] = "evidence",
) -> dict[str, BaseEstimator]:
    """The surrogates that are chosen among, by name, the simplest first.

    `n_labels` (K,) are labels of each task, `affinity` (K, K) gradient affinities [target, source]
    as far as they are known.
    """
    known = affinity is not None and bool(np.isfinite(affinity).any())
    return {
        "linear": LinearSurrogate(ridge=ridge),
        **({"affinity": AffinitySurrogate(affinity)} if known else {}),
        "label curve": LabelCurveSurrogate(n_labels),
    }


def _repeats_needed(reliability: Reliability) -> float:
    """Repeats whose mean would have the reliability RELIABLE (Spearman and Brown)."""
    r = reliability.mean
    if not r > 0:
        return math.nan
    factor = RELIABLE * (1 - r) / (r * (1 - RELIABLE))
    return float(math.ceil(reliability.n_repeats * factor))


def _hold_out(
    indicators: np.ndarray,
    effects: np.ndarray,
    found: Mapping[str, BaseEstimator],
    settings: AnalyzeSettings,
) -> tuple[NegativeTransfer, np.ndarray, str]:
    """What is foreseen of held-out subsets, fresh predictions of all, and the surrogate chosen.

    Where subsets are too few to hold some out nothing is foreseen, and the surrogate is linear.
    """
    how: dict[str, Any] = {"held_out": settings.held_out, "random_state": settings.seed}
    identify = partial(identify_negative_transfer, indicators, effects, **how)
    try:
        # Which subsets are held out depends on the seed alone, so any surrogate tells them.
        negative = identify(surrogate=found["linear"])
        known = np.setdiff1d(np.arange(len(indicators)), negative.held_out)
        chosen = choose_surrogate(indicators[known], effects[:, known], found)
        if chosen.name != "linear":
            negative = identify(surrogate=chosen.estimator)
        predicted = _predict_fresh(indicators, effects, found, settings)
    except ValueError:
        return _nothing_held_out(effects)
    return negative, predicted, chosen.name


def _predict_fresh(
    indicators: np.ndarray,
    effects: np.ndarray,
    found: Mapping[str, BaseEstimator],
    settings: AnalyzeSettings,
) -> np.ndarray:
    order = np.random.default_rng(settings.seed).permutation(len(indicators))
    repeats = np.arange(len(effects))
    predicted = np.full(effects.shape, np.nan)
    for part in np.array_split(order, max(2, round(1 / settings.held_out))):
        known = np.setdiff1d(order, part)
        try:
            estimator = choose_surrogate(indicators[known], effects[:, known], found).estimator
        except ValueError:
            continue  # Of few subsets the rest may be too few to fit anything: not predicted.
        with warnings.catch_warnings():
            # A target that the other parts tell too little of stays unpredicted; what all
            # subsets lack is named where they are fitted together.
            warnings.simplefilter("ignore", DesignWarning)
            for repeat in repeats:
                seen = effects[repeats != repeat] if len(effects) > 1 else effects
                models = fit_surrogates(indicators[known], seen[:, known], estimator)
                predicted[repeat, part] = models.predict(indicators[part])
    return predicted


def _shown(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.2f}"


def _known(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def is_direct(subsets: SubsetScores) -> bool:
    """Whether effects need no surrogate: of two tasks, or where no task learns from another."""
    if subsets.single.shape[1] == 2:
        return True
    effects = paired_effects(subsets.scores, subsets.single)
    return not np.nan_to_num(effects).any()


def subset_relevance(
    subsets: SubsetScores, ridge: float | Literal["evidence"], fdr: float
) -> Relevance:
    """The relevance of each source for each target, from all subsets, single tasks included.

    A ValueError is raised if the subsets are too few.
    """
    if is_direct(subsets):
        return direct_relevance(subsets.together - subsets.single, fdr)
    return relevance(subsets.indicators, subsets.scores, ridge=ridge, fdr=fdr)


def direct_relevance(gain: np.ndarray, fdr: float) -> Relevance:
    """What each target gains by the one other task, (n_repeats, 2), as a relevance.

    Student's intervals over repeats; repeats that are all alike tell of no effect, or nothing. Of
    more tasks, gains are shared alike between the sources.
    """
    found, n_tasks = paired_interval(gain), gain.shape[1]
    apart = ~np.eye(n_tasks, dtype=bool)
    known = np.where((found.low == found.high) & (found.estimate != 0), np.nan, found.p_value)

    def spread(values: np.ndarray) -> np.ndarray:
        return np.where(apart, values[:, None] / max(n_tasks - 1, 1), np.nan)

    estimate, p_value = spread(found.estimate), np.where(apart, known[:, None], np.nan)
    ends = spread(found.low), spread(found.high)
    return Relevance.of(estimate, ends, p_value, apart.astype(np.int64), fdr)
