"""Surrogates on simulated scores, whose truth is known."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cotrain.reliability import split_half_reliability
from cotrain.surrogates import (
    LinearSurrogate,
    classify,
    fit_surrogates,
    lack_of_fit,
    next_subsets,
    relevance,
    spearman_by_target,
)
from lab.adequacy import overall_p_value, rejected
from lab.group_mean import AveragingSurrogate, PairwiseSurrogate
from lab.interaction import InteractionSurrogate
from lab.kernel_surrogate import KernelSurrogate
from lab.simulated import SimulatedTruth, simulate_subsets, simulate_truth

Array = NDArray[np.float64]

N_TASKS = 30
N_SUBSETS = 200
N_REPEATS = 3
# Subsets a task that are tried, in search of how many are needed.
FACTORS = (1, 2, 3, 4, 6, 8, 12, 16)
RELIABILITY = 0.8
SAMPLED = (("additive", 15, "alike"), ("additive", 29, "alike"), ("additive", 20, "unlike"))
SURROGATES: dict[str, Callable[[], Any]] = {
    "linear, evidence": LinearSurrogate,
    "linear, ridge 0.01": lambda: LinearSurrogate(ridge=0.01),
    "averaging": AveragingSurrogate,
    "pairwise": PairwiseSurrogate,
    "kernel": KernelSurrogate,
    "interaction": InteractionSurrogate,
}


def accuracy() -> pd.DataFrame:
    """Each surrogate against the truth: k = 30, 200 subsets, reliability 0.8; seeds 0-2."""
    rows = []
    for kind in ("additive", "clustered", "hierarchical", "synergy"):
        for max_size in (15, 29):
            for name, make in SURROGATES.items():
                figures = [_accuracy(kind, max_size, make, seed) for seed in range(3)]
                rows.append(
                    {"truth": kind, "sizes": f"2-{max_size}", "surrogate": name} | _mean(figures)
                )
    return pd.DataFrame(rows)


def _accuracy(kind: str, max_size: int, make: Callable[[], Any], seed: int) -> dict[str, float]:
    truth = simulate_truth(kind, N_TASKS, seed)
    rng = np.random.default_rng(1000 + seed)
    X = simulate_subsets(N_TASKS, N_SUBSETS, 2, max_size, rng)
    Y = truth.measure(X, truth.noise_at(X, RELIABILITY, N_REPEATS), N_REPEATS, rng)
    new = simulate_subsets(N_TASKS, 300, 2, max_size, rng)
    predicted, gains = fit_surrogates(X, Y, make()).predict(new), truth.gains(new)
    known = ~np.isnan(gains)
    figures = classify(gains[known] < 0, predicted[known] < 0, -predicted[known])
    return {
        "reliability": split_half_reliability(Y, n_bootstrap=2).mean,
        "Spearman with truth": float(np.nanmean(spearman_by_target(predicted, gains))),
        "balanced accuracy": figures.balanced_accuracy,
        "MCC": figures.mcc,
        "F1": figures.f1,
        "F1 always": classify(gains[known] < 0, known[known], -predicted[known]).f1,
    }


def adaptive() -> pd.DataFrame:
    """Subsets to decide as many true effects as uniform sampling decides with 300; seeds 0-2."""
    rows = []
    for kind, max_size, noise in SAMPLED:
        figures = [_adaptive(kind, max_size, noise, seed) for seed in range(3)]
        ratios = [row["adaptive / uniform"] for row in figures]
        row = {"truth": kind, "sizes": f"2-{max_size}", "targets": noise} | _mean(figures)
        row["of the seeds"] = f"{min(ratios):.2f}-{max(ratios):.2f}"
        row["sizes alone"] = _size_bound(max_size)
        rows.append(row)
    return pd.DataFrame(rows)


def _size_bound(max_size: int) -> float:
    """What a uniform subset tells of all pairs, over what one of the best size does.

    A subset tells of a source's effect on a target if it holds the target, and as much as the
    source's membership varies: m (m - 1) (K - m) for a size of m of K tasks.
    """
    sizes = np.arange(2, max_size + 1)
    told = sizes * (sizes - 1) * (N_TASKS - sizes)
    return float(told.mean() / told.max())


def _adaptive(kind: str, max_size: int, noise: str, seed: int) -> dict[str, float]:
    n_uniform, n_round = 300, 20
    study = _Sampled.of(kind, max_size, noise, seed)
    uniform = study.found(study.X[:n_uniform])
    # Uniform among the sizes that tell most of a linear model: two thirds of the tasks.
    best = min(round(2 * N_TASKS / 3), max_size)
    sized = simulate_subsets(N_TASKS, n_uniform, best - 1, best, np.random.default_rng(seed))
    chosen, right = study.X[:n_round], [study.found(study.X[:n_round])]
    while right[-1][0] < uniform[0] and len(chosen) < n_uniform:
        X, Y = study.measured(chosen)
        new = next_subsets(X, Y, n_round, min_size=2, max_size=max_size, random_state=seed)
        chosen = np.vstack([chosen, new])
        right.append(study.found(chosen))
    needed = _crossing([share for share, _ in right], uniform[0], n_round)
    sizes: list[float] = []
    for n in range(n_round, n_uniform + 1, n_round):
        sizes.append(study.found(sized[:n])[0])
        if sizes[-1] >= uniform[0]:
            break
    return {
        "share decided, uniform": uniform[0],
        "false, uniform": uniform[1],
        "false, adaptive": right[-1][1],
        "subsets, uniform": float(n_uniform),
        "subsets, uniform of the best sizes": _crossing(sizes, uniform[0], n_round),
        "subsets, adaptive": needed,
        "adaptive / uniform": needed / n_uniform,
        "the same in task-trainings": chosen.sum() * needed / len(chosen) / study.X.sum(),
    }


def _crossing(shares: list[float], goal: float, n_round: int) -> float:
    """Subsets after which the goal is reached, linear between rounds; infinity if it is not."""
    reached = np.flatnonzero(np.array(shares) >= goal)
    if not len(reached):
        return np.inf
    at = reached[0]
    before = shares[at - 1] if at else 0.0
    return n_round * (at + (goal - before) / (shares[at] - before))


@dataclass(frozen=True)
class _Sampled:
    """A truth whose subsets can be measured; every task is measured alone, as studies do."""

    truth: SimulatedTruth
    X: Array
    noise: Array
    seed: int

    @classmethod
    def of(cls, kind: str, max_size: int, noise: str, seed: int) -> "_Sampled":
        """Alike: every target has the reliability 0.8. Unlike: from 0.25 to 0.97."""
        truth = simulate_truth(kind, N_TASKS, seed)
        rng = np.random.default_rng(2000 + seed)
        X = simulate_subsets(N_TASKS, 300, 2, max_size, rng)
        reliability = (
            np.full(N_TASKS, RELIABILITY) if noise == "alike" else rng.uniform(0.25, 0.97, N_TASKS)
        )
        signal = truth.noise_at(X, 0.5, 1)
        return cls(truth, X, signal * np.sqrt((1 - reliability) / reliability), seed)

    def measured(self, subsets: Array) -> tuple[Array, Array]:
        """Single tasks and these subsets with their scores; the same subset scores the same."""
        X = np.vstack([np.eye(N_TASKS), subsets])
        luck = [np.random.default_rng([self.seed, *np.flatnonzero(row)]) for row in X]
        noise = self.noise * np.array([rng.standard_normal(N_TASKS) for rng in luck])
        return X, self.truth.gains(X) + noise

    def found(self, subsets: Array) -> tuple[float, float]:
        return _found(self.truth, *self.measured(subsets))


def _found(truth: SimulatedTruth, X: Array, Y: Array) -> tuple[float, float]:
    """Share of true effects with the right verdict, and share of verdicts that are wrong."""
    verdict = relevance(X, Y).verdict
    right = (verdict == "helps") & (truth.effects > 0) | (verdict == "hurts") & (truth.effects < 0)
    decided = np.isin(verdict, ("helps", "hurts"))
    return (
        right.sum() / np.count_nonzero(truth.effects),
        (decided & ~right).sum() / max(decided.sum(), 1),
    )


def synergy() -> pd.DataFrame:
    """Planted pairs and the lack-of-fit test: k = 30, 3 repeats, reliability 0.8; seeds 0-1."""
    rows = []
    for kind in ("synergy", "additive"):
        for max_size, n_subsets in ((15, 200), (29, 200), (29, 400), (29, 800)):
            figures = [_synergy(kind, max_size, n_subsets, seed) for seed in range(2)]
            row = {"truth": kind, "sizes": f"2-{max_size}", "subsets": n_subsets}
            rows.append(row | _mean(figures))
    return pd.DataFrame(rows)


def _synergy(kind: str, max_size: int, n_subsets: int, seed: int) -> dict[str, float]:
    truth = simulate_truth(kind, N_TASKS, seed)
    rng = np.random.default_rng(3000 + seed)
    X = simulate_subsets(N_TASKS, n_subsets, 2, max_size, rng)
    Y = truth.measure(X, truth.noise_at(X, RELIABILITY, N_REPEATS), N_REPEATS, rng)
    planted = found = right = 0
    for target, model in enumerate(fit_surrogates(X, Y, InteractionSurrogate()).estimators):
        true = {tuple(pair) for pair in truth.pairs[target].tolist()}
        chosen = {tuple(pair) for pair in model.pairs_.tolist()}
        planted, found, right = planted + len(true), found + len(chosen), right + len(true & chosen)
    p_value = lack_of_fit(X, Y)[1]
    return {
        "planted pairs found": right / planted if planted else np.nan,
        "pairs found that are planted": right / found if found else np.nan,
        "pairs a target": found / N_TASKS,
        "targets with linear model rejected": float(rejected(p_value).mean()),
        "linear rejected over all": float(overall_p_value(p_value) < 0.05),
    }


def cost() -> pd.DataFrame:
    """Fits a task for a Spearman of 0.9 with the truth on new subsets, sizes 2 to k / 2.

    Median of seeds 0-2, with the least and the most.
    """
    rows = []
    for kind in ("additive", "clustered", "hierarchical", "synergy"):
        for reliability in (0.5, 0.8):
            row: dict[str, Any] = {"truth": kind, "reliability of a fit": reliability}
            for n_tasks in (10, 20, 50, 100, 200):
                needed = [_needed(kind, n_tasks, reliability, seed) for seed in range(3)]
                row[f"k = {n_tasks}"] = _middle(needed)
            rows.append(row)
    return pd.DataFrame(rows)


def _needed(kind: str, n_tasks: int, reliability: float, seed: int, goal: float = 0.9) -> float:
    """Subsets over tasks; infinity if the most that are tried are too few."""
    truth = simulate_truth(kind, n_tasks, seed)
    rng = np.random.default_rng(4000 + seed)
    sizes = 2, max(n_tasks // 2, 5)
    X = simulate_subsets(n_tasks, FACTORS[-1] * n_tasks, *sizes, rng)
    Y = truth.measure(X, truth.noise_at(X, reliability, 1), 1, rng)[0]
    new = simulate_subsets(n_tasks, 200, *sizes, rng)
    gains = truth.gains(new)
    # Nine targets are enough to judge the mean by.
    targets = np.linspace(0, n_tasks - 1, 9).astype(int)
    scores = np.full(Y.shape, np.nan)
    scores[:, targets] = Y[:, targets]
    for factor in FACTORS:
        n = factor * n_tasks
        predicted = fit_surrogates(X[:n], scores[:n]).predict(new)
        if np.nanmean(spearman_by_target(predicted, gains)) >= goal:
            return factor
    return np.inf


def _middle(factors: list[float]) -> str:
    low, middle, high = (
        f"{factor} k" if np.isfinite(factor) else f"> {FACTORS[-1]} k"
        for factor in (min(factors), sorted(factors)[len(factors) // 2], max(factors))
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def speed() -> pd.DataFrame:
    """Seconds to fit all targets: 244 tasks, 2,000 subsets; medians of three runs.

    Processor seconds of one thread, and seconds on the clock of two.
    """
    rng = np.random.default_rng(0)
    rows = []
    for max_size in (15, 122, 244):
        X = simulate_subsets(244, 2000, 2, max_size, rng)
        Y = simulate_truth("additive", 244, 0).measure(X, 1.0, 1, rng)[0]
        for name in ("linear, evidence", "linear, ridge 0.01"):
            used = [_seconds(X, Y, SURROGATES[name]()) for _ in range(3)]
            row = {"sizes": f"2-{max_size}", "surrogate": name}
            rows.append(row | {"processor seconds": float(np.median(used))})
    return pd.DataFrame(rows)


def _seconds(X: Array, Y: Array, surrogate: Any) -> float:
    start = time.process_time()
    fit_surrogates(X, Y, surrogate)
    return time.process_time() - start


def _mean(figures: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in figures])) for name in figures[0]}
