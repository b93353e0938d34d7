"""Surrogates on real trainings, read from a table of fits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from cotrain.analysis import affinity_table
from cotrain.gradients import load_records
from cotrain.means import mean_known
from cotrain.reliability import Reliability, split_half_reliability
from cotrain.study import Study
from cotrain.surrogates import (
    Classification,
    LabelCurveSurrogate,
    average_repeats,
    best_threshold,
    classify,
    fit_surrogates,
    identify_negative_transfer,
    lack_of_fit,
    paired_effects,
    relevance,
    spearman_by_target,
)
from cotrain.tables import pair_matrix
from cotrain.tasks import TaskTable
from cotrain.training import Journal, load_fit_table
from lab.adequacy import overall_p_value, rejected
from lab.bootstrap import cluster_bootstrap
from lab.control import control_variate
from lab.rivals import default_surrogates

Array = NDArray[np.float64]
SIGN = {"log_loss": -1.0, "auroc": 1.0, "aupr": 1.0, "mse": -1.0, "r2": 1.0}


@dataclass(frozen=True)
class FitResult:
    """Scores of a fit table, the higher the better.

    Attributes
    ----------
    tasks : list of str
        In the order of the bits of the members' mask.
    X : ndarray, shape (n_subsets, n_tasks)
        Subsets as indicators.
    Y : ndarray, shape (n_repeats, n_subsets, n_tasks)
        Their scores; NaN where a fit does not score the task.
    single : ndarray, shape (n_repeats, n_tasks)
        Scores of the single-task fits.
    """

    tasks: list[str]
    X: Array
    Y: Array
    single: Array

    @property
    def effects(self) -> Array:
        return paired_effects(self.Y, self.single)


def read_scores(frame: pd.DataFrame, score: str = "log_loss", fold_use: str = "val") -> FitResult:
    """The scores of the plan's subsets and single-task fits.

    Raises
    ------
    ValueError
        If the table lacks the column, or a fit's members are not the tasks it scores.
    """
    column = f"{fold_use}_{score}"
    if column not in frame:
        raise ValueError(f"the fit table must have the column {column}, got {list(frame.columns)}")
    fits = frame[frame["kind"].isin(["single", "subset"])]
    masks = {text: int(text, 16) for text in fits["members"].unique()}
    tasks = _task_names(fits, masks)
    number = {name: bit for bit, name in enumerate(tasks)}
    subsets = sorted({masks[text] for text in fits.loc[fits["kind"] == "subset", "members"]})
    row = {mask: i for i, mask in enumerate(subsets)}
    repeats = sorted(fits["repeat"].unique())
    X = np.array([[mask >> bit & 1 for bit in range(len(tasks))] for mask in subsets], dtype=float)
    Y = np.full((len(repeats), *X.shape), np.nan)
    single = np.full((len(repeats), len(tasks)), np.nan)
    values = SIGN[score] * fits[column].to_numpy()
    for value, kind, repeat, members, task in zip(
        values, fits["kind"], fits["repeat"], fits["members"], fits["task"], strict=True
    ):
        at, bit = repeats.index(repeat), number[task]
        if not masks[members] >> bit & 1:
            raise ValueError(f"a fit of members {members} must not score {task}")
        if kind == "single":
            single[at, bit] = value
        else:
            Y[at, row[masks[members]], bit] = value
    return FitResult(tasks, X, Y, single)


def _task_names(fits: pd.DataFrame, masks: dict[str, int]) -> list[str]:
    """Task names by bit, read off the single-task fits."""
    single = fits[fits["kind"] == "single"]
    names = {
        masks[m].bit_length() - 1: t for m, t in zip(single["members"], single["task"], strict=True)
    }
    if sorted(names) != list(range(len(names))) or not names:
        raise ValueError("every task must have a single-task fit, or its bit cannot be named")
    return [names[bit] for bit in range(len(names))]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """All tables of a study's subsets; the seconds of a fit are its journal's."""
    frame = load_fit_table(study.fits("subsets"))
    table = TaskTable.load(study.table)
    tasks = table.tasks
    pairs = affinity_table(load_records(study.affinity), tasks)
    rivals = {name: pair_matrix(pairs, tasks, name) for name in ("affinity", "cosine")}
    subsets = frame.loc[frame["kind"] == "subset", "fit_id"].unique()
    seconds = Journal(study.journal).seconds(subsets).values()
    n_labels = table.label_counts.sum(axis=1)
    return tables_of(frame, rivals, float(np.mean(list(seconds))), n_labels)


def tables_of(
    frame: pd.DataFrame, rivals: Mapping[str, Array], seconds: float, n_labels: ArrayLike
) -> dict[str, pd.DataFrame]:
    """All tables of a fit table.

    Rivals are matrices (n_tasks targets, n_tasks sources), the labels one number a task.
    """
    curve = LabelCurveSurrogate(n_labels)
    scores = read_scores(frame)
    return {
        "Reliability by score and repeats": reliability(frame, seconds),
        "Subsets or repeats": designs(scores, seconds),
        "Held-out subsets": held_out(scores, curve),
        "Held-out subsets by the number learned from": learning_curve(scores, curve),
        "Negative transfer on held-out subsets": negative_transfer(scores, rivals, curve),
        "Verdicts": verdict_counts(scores),
    }


def reliability(frame: pd.DataFrame, seconds: float) -> pd.DataFrame:
    """What makes scores repeatable: the score, the number of repeats, pairing with single fits."""
    rows = []
    for score in SIGN:
        data = read_scores(frame, score) if f"val_{score}" in frame else None
        if data is None or np.isnan(data.Y).all():
            continue
        for name, values in (("of subsets", data.Y), ("gain over single task", data.effects)):
            for n_repeats in range(1, len(data.Y) + 1):
                found = split_half_reliability(values, n_repeats=n_repeats)
                rows.append(
                    {
                        "score": score,
                        "what": name,
                        "repeats": n_repeats,
                        "reliability": found.mean,
                        "low": found.low,
                        "high": found.high,
                        # The correlation of noise-free scores with measured ones.
                        "ceiling": float(mean_known(np.sqrt(np.maximum(found.per_target, 0)))),
                        "seconds a subset": n_repeats * seconds,
                        "seconds for 0.8": _repeats_for(found, 0.8) * seconds,
                    }
                )
        rows += _levels(score, data)
    return pd.DataFrame(rows)


def _repeats_for(found: Reliability, goal: float) -> float:
    """Repeats whose mean has this reliability (Spearman and Brown)."""
    r = found.mean
    return found.n_repeats * goal * (1 - r) / (r * (1 - goal)) if r > 0 else np.inf


def designs(scores: FitResult, seconds: float) -> pd.DataFrame:
    """One number of trainings, spent on many subsets or on repeats of few; four splits."""
    n_repeats, n = scores.Y.shape[:2]
    n_test = n // 4
    rows = []
    for repeats in range(1, n_repeats + 1):
        n_train = (n - n_test) // repeats
        values = [
            _design(scores, np.random.default_rng(seed).permutation(n), n_test, n_train, repeats)
            for seed in range(4)
        ]
        rows.append(
            {
                "subsets": n_train,
                "repeats": repeats,
                "seconds of training": n_train * repeats * seconds,
                "Spearman on held-out subsets": float(np.mean(values)),
            }
        )
    return pd.DataFrame(rows)


def _design(
    scores: FitResult, order: NDArray[np.intp], n_test: int, n_train: int, repeats: int
) -> float:
    """Spearman with the mean of all repeats of the held-out subsets."""
    test, train = order[:n_test], order[n_test : n_test + n_train]
    models = fit_surrogates(scores.X[train], scores.Y[:repeats, train])
    measured = average_repeats(scores.Y)[0][test]
    return float(np.nanmean(spearman_by_target(models.predict(scores.X[test]), measured)))


def _levels(score: str, data: FitResult) -> list[dict[str, object]]:
    """Spread of the mean gain between repeats: plain, paired, and with a control variate."""
    if len(data.Y) < 3:
        return []
    mean = np.nanmean(data.Y, axis=1)  # (n_repeats, n_tasks): the level of a repeat
    known = ~np.isnan(mean).any(axis=0) & ~np.isnan(data.single).any(axis=0)
    plain = np.mean(np.var(mean[:, known], axis=0, ddof=1))
    paired = np.mean(np.var((mean - data.single)[:, known], axis=0, ddof=1))
    control = control_variate(mean[:, known], data.single[:, known], 0.0).variance_ratio
    ratios = {
        "level, paired / plain": paired / plain,
        "level, control / plain": np.nanmean(control),
    }
    return [
        {"score": score, "what": f"variance of {name}", "repeats": 1, "reliability": float(ratio),
         "low": np.nan, "high": np.nan, "ceiling": np.nan, "seconds a subset": np.nan,
         "seconds for 0.8": np.nan}
        for name, ratio in ratios.items()
    ]  # fmt: skip


def held_out(scores: FitResult, curve: LabelCurveSurrogate) -> pd.DataFrame:
    """Spearman of each surrogate on held-out subsets in a repeat it has not seen; three splits.

    Intervals are of drawing targets anew.
    """
    ceiling = _ceiling(scores)
    rows = []
    for name, surrogate in ({"label curve": curve} | default_surrogates()).items():
        fresh = [_fresh(scores, surrogate, seed) for seed in range(3)]
        by_target = np.nanmean(np.vstack(fresh), axis=0)

        def ratio(targets: NDArray[np.intp], by_target: Array = by_target) -> float:
            return float(np.nanmean(by_target[targets]) / np.nanmean(ceiling[targets]))

        every = np.arange(len(ceiling))
        low, high = np.percentile(cluster_bootstrap(ratio, every), [2.5, 97.5])
        rows.append(
            {
                "surrogate": name,
                "Spearman": float(np.nanmean(by_target)),
                "ceiling": float(np.nanmean(ceiling)),
                "of the ceiling": ratio(every),
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(rows)


def learning_curve(scores: FitResult, curve: LabelCurveSurrogate) -> pd.DataFrame:
    """What `held_out` says of the label curve, by the number of subsets learned from."""
    n = len(scores.X)
    rows = []
    for n_train in np.linspace(0.225 * n, 0.9 * n, 4).astype(int).tolist():
        spearman = np.nanmean(_fresh(scores, curve, 0, n_parts=10, n_train=n_train))
        rows.append(
            {"subsets": n_train, "of the ceiling": float(spearman / np.nanmean(_ceiling(scores)))}
        )
    return pd.DataFrame(rows)


def _ceiling(scores: FitResult) -> Array:
    """Root of the reliability of one repeat, by target."""
    found = split_half_reliability(scores.Y, n_repeats=1, n_bootstrap=2)
    return np.sqrt(np.maximum(found.per_target, 0.0))


def _fresh(
    scores: FitResult,
    surrogate: BaseEstimator,
    seed: int,
    n_parts: int = 4,
    n_train: int | None = None,
) -> Array:
    """Spearman by target, (n_repeats, n_tasks), each subset predicted from the other parts.

    Over all subsets, as the ceiling is: the Spearman of few falls short of that of many.
    """
    order = np.random.default_rng(seed).permutation(len(scores.X))
    repeats = np.arange(len(scores.Y))
    predicted = np.full(scores.Y.shape, np.nan)
    for test in np.array_split(order, n_parts):
        train = order[~np.isin(order, test)][:n_train]
        for repeat in repeats:
            seen = scores.Y[repeats != repeat][:, train]
            models = fit_surrogates(scores.X[train], seen, surrogate)
            predicted[repeat, test] = models.predict(scores.X[test])
    return np.array([spearman_by_target(predicted[r], scores.Y[r]) for r in repeats])


def negative_transfer(
    scores: FitResult, rivals: Mapping[str, Array], curve: LabelCurveSurrogate
) -> pd.DataFrame:
    """Identification on held-out subsets, with trivial predictors, ceiling and rivals."""
    result = identify_negative_transfer(scores.X, scores.effects)
    curved = identify_negative_transfer(scores.X, scores.effects, surrogate=curve)
    figures = {"label curve": curved.figures["surrogate"]} | result.figures
    figures |= {
        name: _by_affinity(scores, pairs, result.held_out) for name, pairs in rivals.items()
    }
    rows = [{"predictor": name} | vars(figure) for name, figure in figures.items()]
    return pd.DataFrame(rows)


def _by_affinity(scores: FitResult, affinity: Array, test: NDArray[np.intp]) -> Classification:
    """A subset hurts where its members' mean affinity is low, at the best threshold elsewhere."""
    mean = mean_of_members(scores.X, affinity)
    rank = -(mean - mean.min()) / max(np.ptp(mean), 1e-300) + 1  # 1 is the lowest affinity
    measured = average_repeats(scores.effects)[0]
    known = ~np.isnan(measured)
    chosen = known.copy()
    chosen[test] = False
    known[np.setdiff1d(np.arange(len(known)), test)] = False
    threshold = best_threshold(measured[chosen] < 0, rank[chosen])
    return classify(measured[known] < 0, rank[known] >= threshold, rank[known])


def mean_of_members(X: Array, pairs: Array) -> Array:
    """Mean over a subset's other members of their affinity for each target."""
    sources = np.where(np.eye(len(pairs), dtype=bool), 0.0, np.nan_to_num(pairs))
    return (X @ sources.T) / np.maximum(X.sum(axis=1, keepdims=True) - X, 1)


def verdict_counts(scores: FitResult) -> pd.DataFrame:
    """Verdicts at a false discovery rate of 0.05, and targets where a linear model is rejected."""
    found = relevance(scores.X, scores.Y)
    p_value = lack_of_fit(scores.X, scores.Y)[1]
    counts = {
        verdict: int((found.verdict == verdict).sum())
        for verdict in ("helps", "hurts", "undecided", "unknown")
    }
    tested = int(np.isfinite(p_value).sum())
    share = f"{int(rejected(p_value).sum())} of {tested}"
    overall = {"linear rejected": share, "p over all targets": overall_p_value(p_value)}
    return pd.DataFrame([counts | overall])
