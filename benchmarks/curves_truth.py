"""Scores drawn from known EXP3.3 curves, in the shape of a real study's fits."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Truth:
    """K tasks: labels a fold (K,), c and b (K,), discounts (K, K) [target, source]."""

    fold_size: np.ndarray
    c: np.ndarray
    b: np.ndarray
    discounts: np.ndarray

    @classmethod
    def draw(cls, n_tasks: int, seed: int) -> "Truth":
        """Fold sizes spread twofold; one label of the own cluster worth 0.25 ± 0.06, else 0.03."""
        rng = np.random.default_rng(seed)
        fold = np.exp(rng.normal(np.log(120), 0.6, n_tasks))
        own = np.exp(rng.normal(0, 0.3, n_tasks)) / (3 * fold)
        cluster = rng.integers(0, 3, n_tasks)
        same = cluster[:, None] == cluster
        effect = np.where(same, 0.25, 0.03) + rng.normal(0, 0.06, (n_tasks, n_tasks))
        discounts = own[:, None] * effect * fold[:, None] / fold
        np.fill_diagonal(discounts, own)
        c = np.clip(rng.normal(0.88, 0.03, n_tasks), 0.75, 0.97)
        return cls(fold, c, rng.normal(-1.2, 0.3, n_tasks), discounts)

    @property
    def n_tasks(self) -> int:
        return len(self.c)

    @property
    def exchange_rates(self) -> np.ndarray:
        return self.discounts / np.diag(self.discounts)[:, None]

    def scores(self, N: np.ndarray) -> np.ndarray:
        """Expected scores at counts N (n, K), (n, K)."""
        return self.c - np.exp(self.b - np.asarray(N) @ self.discounts.T)


def fit_table(
    truth: Truth,
    seed: int,
    n_repeats: int = 3,
    levels: tuple[int, ...] = (1, 2, 3),
    n_subsets: int = 100,
    noise: float = 0.006,
    offset: float = 0.015,
) -> pd.DataFrame:
    """A fit table: single, level, augmentation and subset fits; one row a (fit, task).

    `noise` is each score's own, `offset` what the scores of a task in one repeat share.
    """
    rng = np.random.default_rng(seed)
    n_tasks = truth.n_tasks
    subsets = _subsets(n_tasks, n_subsets, np.random.default_rng(seed + 1))
    fits, N, offsets = [], [], []
    for repeat in range(n_repeats):
        folds = rng.poisson(truth.fold_size, (max(levels) + 1, n_tasks)) + 1.0
        shared = rng.normal(0, offset, n_tasks)
        for kind, level, auxiliary, members in _plan(n_tasks, levels, subsets):
            counts = folds[:level].sum(axis=0) * members
            if auxiliary is not None:
                counts[auxiliary] += folds[level, auxiliary]
            fits.append((kind, repeat, level, None if auxiliary is None else f"t{auxiliary}"))
            N.append(counts)
            offsets.append(shared + rng.normal(0, noise, n_tasks))
    counts = np.array(N)
    scores = np.minimum(truth.scores(counts) + np.array(offsets), 1.0)
    fit, task = np.nonzero(counts)
    frame = pd.DataFrame(fits, columns=["kind", "repeat", "level", "auxiliary"]).loc[fit]
    return frame.reset_index(drop=True).assign(
        fit_id=fit,
        task=[f"t{i}" for i in task],
        n_labels=counts[fit, task].astype(int),
        val_auroc=scores[fit, task],
    )


def _plan(
    n_tasks: int, levels: tuple[int, ...], subsets: list[np.ndarray]
) -> list[tuple[str, int, int | None, np.ndarray]]:
    every = np.ones(n_tasks, dtype=bool)
    plan: list[tuple[str, int, int | None, np.ndarray]] = []
    for level in levels:
        plan.append(("level", level, None, every))
        plan += [("augmentation", level, task, every) for task in range(n_tasks)]
        plan += [("single", level, None, np.arange(n_tasks) == i) for i in range(n_tasks)]
    return plan + [("subset", min(2, max(levels)), None, members) for members in subsets]


def _subsets(n_tasks: int, n: int, rng: np.random.Generator) -> list[np.ndarray]:
    found = []
    for _ in range(n):
        members = np.zeros(n_tasks, dtype=bool)
        members[rng.choice(n_tasks, rng.integers(2, min(n_tasks, 16)), replace=False)] = True
        found.append(members)
    return found
