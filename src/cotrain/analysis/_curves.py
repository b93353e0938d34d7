"""Tables of what label counts tell: single tasks against all, statTAG effects, learning curves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cotrain.analysis._observations import GridScores, Observations, SubsetScores
from cotrain.curves import (
    CurveFits,
    Effects,
    curve_bands,
    fit_curves,
    fit_pairwise_curves,
    pairwise_effects,
    together_effects,
)
from cotrain.scores import find_score


def transfer_table(
    subsets: SubsetScores, tasks: Sequence[str], score: str, fdr: float
) -> pd.DataFrame:
    """Each task trained with all others against alone, paired over repeats."""
    single, together = subsets.single, subsets.together
    sign = find_score(score).sign
    effects = together_effects(single[:, None], together[:, None], fdr=fdr)
    return pd.DataFrame(
        {
            "task": tasks,
            "single": sign * single.mean(axis=0),
            "together": sign * together.mean(axis=0),
            "gain": effects.effect,
            "low": effects.low,
            "high": effects.high,
            "p_value": effects.p_value,
            "verdict": effects.verdict,
        }
    )


def pairwise_tables(
    grid: GridScores, tasks: Sequence[str], fdr: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The effect of one fold more of an auxiliary on a target: over all levels, and at each."""
    over_levels = _pairs(pairwise_effects(grid.baseline, grid.augmented, fdr=fdr), tasks)
    at_levels = []
    for place, level in enumerate(grid.levels):
        at = slice(place, place + 1)
        effects = pairwise_effects(grid.baseline[:, at], grid.augmented[:, at], fdr=fdr)
        at_levels.append(_pairs(effects, tasks).assign(level=level))
    return over_levels, pd.concat(at_levels, ignore_index=True)


def _pairs(effects: Effects, tasks: Sequence[str]) -> pd.DataFrame:
    target, auxiliary = np.nonzero(~np.eye(len(tasks), dtype=bool))
    names = np.array(tasks, dtype=object)
    columns = ("effect", "low", "high", "p_value", "verdict", "repeats_to_decide")
    values = {name: getattr(effects, name)[auxiliary, target] for name in columns}
    return pd.DataFrame({"target": names[target], "auxiliary": names[auxiliary], **values})


def curve_table(
    seen: Observations, tasks: Sequence[str], seed: int
) -> tuple[pd.DataFrame, CurveFits]:
    """EXP3.1 of each task trained alone, and EXP3.2 with the labels of all others.

    Returns the parameters, and the curves of EXP3.2.
    """
    own, others = seen.counts.T, (seen.counts.sum(axis=1, keepdims=True) - seen.counts).T
    scores = seen.scores.T
    alone = np.where(others == 0, scores, np.nan)
    first = fit_curves(own[:, :, None], alone, "exp3.1", names=tasks, random_state=seed)
    second = fit_curves(
        np.stack([own, others], axis=2), scores, "exp3.2", names=tasks, random_state=seed
    )
    frames = [
        _parameters("EXP3.1", first, tasks, alone),
        _parameters("EXP3.2", second, tasks, scores),
    ]
    return pd.concat(frames, ignore_index=True), second


def _parameters(
    form: str, fits: CurveFits, tasks: Sequence[str], scores: np.ndarray
) -> pd.DataFrame:
    n_scores = (~np.isnan(scores)).sum(axis=1)
    values = fits.parameters
    unknown = np.full(len(tasks), np.nan)
    a_others = values.get("a_others", unknown)
    at_bound = [
        " ".join(name for name, hits in fits.at_bound.items() if hits[task])
        for task in range(len(tasks))
    ]
    return pd.DataFrame(
        {
            "task": tasks,
            "form": form,
            "c": values["c"],
            "b": values["b"],
            "a_own": values["a_own"],
            "a_others": a_others,
            # An own discount at its bound, next to nothing, is no unit to measure in.
            "exchange_rate": np.where(fits.at_bound["a_own"], np.nan, a_others / values["a_own"]),
            "error": np.sqrt(fits.loss / np.maximum(n_scores, 1)),
            "at_bound": at_bound,
        }
    )


def pairwise_curve_table(seen: Observations, tasks: Sequence[str], seed: int) -> pd.DataFrame:
    """EXP3.3 of each target and auxiliary, fitted to single tasks, levels and augmentations.

    Empty cells where a pair has no curve; `reason` says why.
    """
    grid = np.array([fit.kind != "subset" for fit in seen.fits])
    auxiliary = np.array([-1 if fit.auxiliary is None else fit.auxiliary for fit in seen.fits])
    curves = fit_pairwise_curves(
        seen.counts[grid], seen.scores[grid], auxiliary[grid], tasks=tasks, random_state=seed
    )
    target, other = np.nonzero(~np.eye(len(tasks), dtype=bool))
    names = np.array(tasks, dtype=object)
    own_at_bound = curves.at_bound("a_own")
    rates = np.where(own_at_bound, np.nan, curves.exchange_rates)
    reasons = np.array(curves.fits.reasons, dtype=object).reshape(len(tasks), len(tasks))
    parameters = {name: curves.parameter(name)[target, other] for name in curves.fits.parameters}
    return pd.DataFrame(
        {
            "target": names[target],
            "auxiliary": names[other],
            **parameters,
            "exchange_rate": rates[target, other],
            "at_bound": [
                " ".join(name for name in curves.fits.at_bound if curves.at_bound(name)[i, j])
                for i, j in zip(target, other, strict=True)
            ],
            "reason": reasons[target, other],
        }
    )


def curve_points(seen: Observations, fits: CurveFits, tasks: Sequence[str]) -> pd.DataFrame:
    """Every score that a curve was fitted to, with what the curve says there and its interval."""
    own, others = seen.counts.T, (seen.counts.sum(axis=1, keepdims=True) - seen.counts).T
    counts = np.stack([own, others], axis=2)
    predicted = fits.predict(counts)
    repeats = np.array([fit.repeat for fit in seen.fits])
    low, high = np.moveaxis(curve_bands(fits, counts, seen.scores.T, repeats), 2, 0)
    task, row = np.nonzero(~np.isnan(seen.scores.T))
    names = np.array(tasks, dtype=object)
    return pd.DataFrame(
        {
            "task": names[task],
            "kind": [seen.fits[at].kind for at in row],
            "level": [seen.fits[at].level for at in row],
            "repeat": [seen.fits[at].repeat for at in row],
            "n_own": own[task, row],
            "n_others": others[task, row],
            "score": seen.scores[row, task],
            "predicted": predicted[task, row],
            "low": low[task, row],
            "high": high[task, row],
        }
    )
