"""What label counts tell: single tasks against all, statTAG effects, curves, exchange rates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array
from scipy.spatial.distance import squareform

from cotrain.analysis._observations import GridScores, Observations, SubsetScores
from cotrain.curves import (
    EXP31,
    EXP32,
    CurveFits,
    Effects,
    TransferModel,
    cluster_effects,
    curve_bands,
    fit_curves,
    pairwise_effects,
    together_effects,
)
from cotrain.scores import find_score
from cotrain.tables import TABLES, pair_frame

# Below so many tasks pairs are few enough to be asked one by one.
MANY_TASKS = 20
# Tasks are one cluster down to this mean correlation; chosen on KIBA, docs/results/surrogates.md.
CORRELATED = 0.7
# Examples that count against a correlation: of few shared ones it says little.
_FEW_SHARED = 20
# The gain in the table is that of so many labels.
_N_LABELS = 100
# Above this, shared directions are not tried: each fold of the choice would fit every task anew.
_MAX_SHARED = 100


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
                # the parameters of each curve that ended at a bound
                "at_bound": [
                    " ".join(np.array(fits.form.parameters)[[*hits]])
                    for hits in zip(*fits.at_bound.values(), strict=True)
                ],
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


def task_clusters(
    labels: csr_array, chosen: np.ndarray, least: float = CORRELATED
) -> list[list[int]]:
    """Clusters of two and more tasks whose labels correlate over the `chosen` examples.

    Average linkage of Pearson's correlations over the examples that both tasks have labels of, cut
    at a mean of `least`; a correlation over n of them is taken as n / (n + 20) of itself, and as 0
    over fewer than 20. `labels` are (N, K), `chosen` (N,) without those that scores are reported
    on.
    """
    values = labels[np.flatnonzero(chosen)].astype(np.float64)
    known = values.copy()
    known.data[:] = 1.0
    mean = values.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    values.data -= mean[values.indices]
    pairs = (known, known), (values, known), (values.power(2), known), (values, values)
    shared, total, square, cross = (np.asarray((one.T @ other).toarray()) for one, other in pairs)
    n = np.maximum(shared, 1)
    spread = square - total**2 / n
    both = spread * spread.T
    correlation = (cross - total * total.T / n) / np.sqrt(np.where(both > 1e-12, both, np.inf))
    correlation = np.where(shared >= _FEW_SHARED, correlation * n / (n + _FEW_SHARED), 0.0)
    distance = np.clip(1 - correlation, 0, 2)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    cluster = fcluster(tree, 1 - least, "distance")
    found = [np.flatnonzero(cluster == number).tolist() for number in np.unique(cluster)]
    return [tasks for tasks in found if len(tasks) > 1]


def cluster_table(
    grid: GridScores, clusters: Sequence[Sequence[int]], tasks: Sequence[str], fdr: float
) -> pd.DataFrame:
    """What a fold more of a member does to another, one row a cluster, the largest effect first."""
    if not clusters:
        return TABLES["clusters"].empty()
    found = cluster_effects(grid.baseline, grid.augmented, clusters, fdr=fdr)
    columns = ("effect", "low", "high", "p_value", "verdict")
    values = {name: getattr(found, name) for name in columns}
    names = [" + ".join(tasks[task] for task in cluster) for cluster in clusters]
    table = pd.DataFrame({"tasks": names, "n_tasks": [*map(len, clusters)], **values})
    return table.sort_values("effect", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True, eq=False)
class LabelTables:
    """Exchange rates of labels, where the next ones pay, or why neither is known."""

    exchange_rates: pd.DataFrame  # one row a pair of target and source; empty if there is no model
    next_labels: pd.DataFrame  # one row a task, the highest gain first; empty if there is no model
    reason: str  # why there is no model; empty if there is one

    @classmethod
    def of(cls, seen: Observations, tasks: Sequence[str], level: int, seed: int) -> "LabelTables":
        """Fit the model to all fits; labels are at hand as in fits of all tasks at `level`.

        Fits that differ in seed alone enter as one: their counts are the same, and with 240 tasks
        and four seeds that is a quarter of the time.
        """
        seen = seen.over_seeds()
        ranks = (0, 1, 2) if len(tasks) <= _MAX_SHARED else (0,)
        model = TransferModel(ranks=ranks, random_state=seed)
        try:
            model.fit(seen.counts, seen.scores, seen.blocks, tasks=tasks)
            counts = _counts_at(seen, level)
        except ValueError as error:
            return cls(TABLES["exchange_rates"].empty(), TABLES["next_labels"].empty(), str(error))
        is_told = _told(seen)
        return cls(_rates(model, tasks, is_told), _gains(model, tasks, counts, is_told), "")


def _counts_at(seen: Observations, level: int) -> np.ndarray:
    """Labels of each task at a level, the mean over repeats, (K,)."""
    n_tasks = seen.counts.shape[1]
    rows = [
        fit.level == level and fit.auxiliary is None and len(fit.members) == n_tasks
        for fit in seen.fits
    ]
    if not any(rows):
        raise ValueError(f"no fit of all tasks at level {level}")
    return np.asarray(seen.counts[rows].mean(axis=0))


def _told(seen: Observations) -> np.ndarray:
    """Whether fits that score a target differ in a source's labels, [target, source].

    Within a repeat: other repeats have other evaluation labels as well.
    """
    n_tasks = seen.counts.shape[1]
    repeats = np.array([fit.repeat for fit in seen.fits])
    told = np.zeros((n_tasks, n_tasks), dtype=bool)
    for repeat in np.unique(repeats):
        for target, scored in enumerate(np.isfinite(seen.scores.T) & (repeats == repeat)):
            if scored.any():
                told[target] |= np.ptp(seen.counts[scored], axis=0) > 0
    return told


def _rates(model: TransferModel, tasks: Sequence[str], is_told: np.ndarray) -> pd.DataFrame:
    """A rate is unknown where the fits tell nothing of the source, or of the target's own labels.

    The model then has what other pairs suggest, and no more.
    """
    known = is_told & np.diag(is_told)[:, None]
    low, high = np.moveaxis(model.exchange_rate_intervals(), 2, 0)
    rates = {"exchange_rate": model.exchange_rates_, "low": low, "high": high}
    columns = {name: np.where(known, rate, np.nan) for name, rate in rates.items()}
    return pair_frame(tasks, columns)


def _gains(
    model: TransferModel, tasks: Sequence[str], counts: np.ndarray, is_told: np.ndarray
) -> pd.DataFrame:
    worth, own = model.label_worth(counts, _N_LABELS), np.diag(is_told)
    gain, low, high = (np.where(own, values, np.nan) for values in worth)
    columns = {"task": tasks, "n_labels": counts, "gain": gain, "low": low, "high": high}
    frame = pd.DataFrame(columns)
    frame["rank"] = frame["gain"].rank(ascending=False, method="first").astype("Int64")
    return frame.sort_values("rank", kind="stable")
