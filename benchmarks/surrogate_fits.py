"""Surrogates on real trainings, read from a table of fits."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cotrain.reliability import control_variate, split_half_reliability
from cotrain.surrogates import (
    Classification,
    average_repeats,
    best_threshold,
    classify,
    default_surrogates,
    fit_surrogates,
    identify_negative_transfer,
    lack_of_fit,
    paired_effects,
    relevance,
    spearman_by_target,
)

Array = NDArray[np.float64]
SIGN = {"log_loss": -1.0, "auroc": 1.0, "aupr": 1.0, "mse": -1.0}


@dataclass(frozen=True)
class FitScores:
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


def read_scores(frame: pd.DataFrame, score: str = "log_loss", fold_use: str = "val") -> FitScores:
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
    return FitScores(tasks, X, Y, single)


def _task_names(fits: pd.DataFrame, masks: dict[str, int]) -> list[str]:
    """Task names by bit, read off the single-task fits."""
    single = fits[fits["kind"] == "single"]
    names = {
        masks[m].bit_length() - 1: t for m, t in zip(single["members"], single["task"], strict=True)
    }
    if sorted(names) != list(range(len(names))) or not names:
        raise ValueError("every task must have a single-task fit, or its bit cannot be named")
    return [names[bit] for bit in range(len(names))]


def tables(frame: pd.DataFrame, affinity: Array | None = None) -> dict[str, pd.DataFrame]:
    """All tables of a fit table; `affinity` (n_tasks targets, n_tasks sources) is a rival."""
    result = {"Reliability by score and repeats": reliability(frame)}
    scores = read_scores(frame)
    result["Held-out subsets"] = held_out(scores)
    result["Negative transfer on held-out subsets"] = negative_transfer(scores, affinity)
    result["Verdicts"] = verdict_counts(scores)
    return result


def reliability(frame: pd.DataFrame) -> pd.DataFrame:
    """What makes scores repeatable: the score, the number of repeats, pairing with single fits."""
    rows = []
    for score in SIGN:
        if f"val_{score}" not in frame:
            continue
        data = read_scores(frame, score)
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
                        "ceiling": found.ceiling,
                    }
                )
        rows += _levels(score, data)
    return pd.DataFrame(rows)


def _levels(score: str, data: FitScores) -> list[dict[str, object]]:
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
         "low": np.nan, "high": np.nan, "ceiling": np.nan}
        for name, ratio in ratios.items()
    ]  # fmt: skip


def held_out(scores: FitScores, share: float = 0.25, seed: int = 0) -> pd.DataFrame:
    """Spearman of each surrogate with held-out measured scores, against the ceiling."""
    order = np.random.default_rng(seed).permutation(len(scores.X))
    n_test = round(len(order) * share)
    test, train = np.sort(order[:n_test]), np.sort(order[n_test:])
    found = split_half_reliability(scores.Y[:, test])
    measured = average_repeats(scores.Y)[0][test]
    rows = []
    for name, surrogate in default_surrogates().items():
        models = fit_surrogates(scores.X[train], scores.Y[:, train], surrogate)
        value = float(np.nanmean(spearman_by_target(models.predict(scores.X[test]), measured)))
        rows.append(
            {
                "surrogate": name,
                "Spearman": value,
                "reliability": found.mean,
                "ceiling": found.ceiling,
                "of the ceiling": value / found.ceiling,
            }
        )
    return pd.DataFrame(rows)


def negative_transfer(scores: FitScores, affinity: Array | None = None) -> pd.DataFrame:
    """Identification on held-out subsets, with trivial predictors, ceiling and affinity."""
    result = identify_negative_transfer(scores.X, scores.effects)
    figures = dict(result.figures)
    if affinity is not None:
        figures["affinity"] = _by_affinity(scores, affinity, result.held_out)
    rows = [{"predictor": name} | vars(figure) for name, figure in figures.items()]
    return pd.DataFrame(rows)


def _by_affinity(scores: FitScores, affinity: Array, test: NDArray[np.intp]) -> Classification:
    """A subset hurts where its members' mean affinity is low, at the best threshold elsewhere."""
    sources = np.where(np.eye(len(affinity), dtype=bool), 0.0, np.nan_to_num(affinity))
    others = scores.X.sum(axis=1, keepdims=True) - scores.X
    mean = (scores.X @ sources.T) / np.maximum(others, 1)
    rank = -(mean - mean.min()) / max(np.ptp(mean), 1e-300) + 1  # 1 is the lowest affinity
    measured = average_repeats(scores.effects)[0]
    known = ~np.isnan(measured)
    chosen = known.copy()
    chosen[test] = False
    known[np.setdiff1d(np.arange(len(known)), test)] = False
    threshold = best_threshold(measured[chosen] < 0, rank[chosen])
    return classify(measured[known] < 0, rank[known] >= threshold, rank[known])


def verdict_counts(scores: FitScores) -> pd.DataFrame:
    """Verdicts at a false discovery rate of 0.05, and targets where a linear model is rejected."""
    found = relevance(scores.X, scores.Y)
    test = lack_of_fit(scores.X, scores.Y)
    counts = {
        verdict: found.count(verdict) for verdict in ("helps", "hurts", "undecided", "unknown")
    }
    tested = int(np.isfinite(test.p_value).sum())
    rejected = f"{int(test.inadequate.sum())} of {tested}"
    overall = {"linear rejected": rejected, "p over all targets": test.overall_p_value}
    return pd.DataFrame([counts | overall])
