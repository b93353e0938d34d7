"""Tables of what label counts tell: single tasks against all, statTAG effects, learning curves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cotrain.analysis._observations import GridScores, Observations, SubsetScores
from cotrain.curves import (
    EXP31,
    EXP32,
    CurveFits,
    Effects,
    curve_bands,
    fit_curves,
    pairwise_effects,
    together_effects,
)
from cotrain.scores import find_score
from cotrain.tables import pair_frame


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
            **{name: getattr(effects, name) for name in ("low", "high", "p_value", "verdict")},
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
    names = ("effect", "low", "high", "p_value", "verdict", "repeats_to_decide")
    return pair_frame(tasks, {name: getattr(effects, name).T for name in names}, "auxiliary")


def curve_table(
    seen: Observations, tasks: Sequence[str], seed: int
) -> tuple[pd.DataFrame, CurveFits]:
    """EXP3.1 of each task trained alone, and EXP3.2 with the labels of all others.

    Returns the parameters, and the curves of EXP3.2.
    """
    counts, scores = _own_and_others(seen), seen.scores.T
    alone = np.where(counts[..., 1] == 0, scores, np.nan)
    first = fit_curves(counts[..., :1], alone, EXP31, names=tasks, random_state=seed)
    second = fit_curves(counts, scores, EXP32, names=tasks, random_state=seed)
    unknown = np.full(len(tasks), np.nan)
    frames = [
        pd.DataFrame(
            {
                "task": tasks,
                "form": fits.form.name.upper(),
                "a_others": unknown,
                **fits.parameters,
                "exchange_rate": unknown if fits is first else fits.exchange_rate("a_others"),
                "error": np.sqrt(fits.loss / np.maximum((~np.isnan(known)).sum(axis=1), 1)),
                "at_bound": _bounds_hit(fits),
            }
        )
        for fits, known in ((first, alone), (second, scores))
    ]
    return pd.concat(frames, ignore_index=True), second


def curve_points(seen: Observations, fits: CurveFits, tasks: Sequence[str]) -> pd.DataFrame:
    """Every score that a curve was fitted to, with what the curve says there and its interval."""
    counts, scores = _own_and_others(seen), seen.scores.T
    repeats = np.array([fit.repeat for fit in seen.fits])
    low, high = np.moveaxis(curve_bands(fits, counts, scores, repeats), 2, 0)
    task, row = at = np.nonzero(~np.isnan(scores))
    return pd.DataFrame(
        {
            "task": np.array(tasks, dtype=object)[task],
            **{
                name: [getattr(seen.fits[place], name) for place in row]
                for name in ("kind", "level", "repeat")
            },
            "n_own": counts[..., 0][at],
            "n_others": counts[..., 1][at],
            "score": scores[at],
            "predicted": fits.predict(counts)[at],
            "low": low[at],
            "high": high[at],
        }
    )


def _own_and_others(seen: Observations) -> np.ndarray:
    """Labels of each task and of all others, (K, n_fits, 2)."""
    return np.stack([seen.counts, seen.counts.sum(axis=1, keepdims=True) - seen.counts]).T


def _bounds_hit(fits: CurveFits) -> list[str]:
    """The parameters of each curve that ended at a bound, joined by spaces."""
    hits = np.stack(list(fits.at_bound.values()), axis=1)
    return [" ".join(np.array(fits.form.parameters)[row]) for row in hits]
