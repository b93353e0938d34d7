"""Scores of subsets whose truth is known."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kind = Literal["additive", "synergy", "clustered", "hierarchical"]
KINDS: tuple[Kind, ...] = ("additive", "synergy", "clustered", "hierarchical")


@dataclass(frozen=True)
class SimulatedTruth:
    """Scores of subsets that are known exactly, for tests and for planning studies.

    Attributes
    ----------
    effects : ndarray, shape (n_tasks, n_tasks)
        Effect of each source (column) on each target (row); 0 on the diagonal.
    pairs : ndarray of int, shape (n_tasks, n_pairs, 2)
        Pairs of sources with an effect of their own on each target.
    pair_effects : ndarray, shape (n_tasks, n_pairs)
        What a pair adds to its tasks' effects: positive for synergy.
    """

    effects: Array
    pairs: NDArray[np.intp]
    pair_effects: Array

    def gains(self, X: Array) -> Array:
        """Noise-free gain over single-task training, shape (n_subsets, n_tasks).

        NaN where the subset does not hold the task.
        """
        result = X @ self.effects.T
        for target, pairs in enumerate(self.pairs):
            products = X[:, pairs[:, 0]] * X[:, pairs[:, 1]]
            result[:, target] += products @ self.pair_effects[target]
        return np.where(X == 1, result, np.nan)

    def measure(
        self, X: Array, noise: float | Array, n_repeats: int, rng: np.random.Generator
    ) -> Array:
        """Gains with normal noise, shape (n_repeats, n_subsets, n_tasks).

        `noise` is the standard deviation of one repeat, or one for each task.
        """
        return self.gains(X) + noise * rng.standard_normal((n_repeats, *X.shape))

    def noise_at(self, X: Array, reliability: float, n_repeats: int) -> Array:
        """Noise of one repeat, for each task, that gives the mean of repeats this reliability.

        Reliability is the share of the variance of measured means that is not noise.
        """
        variance = np.nanvar(self.gains(X), axis=0)
        return np.sqrt(variance * n_repeats * (1 - reliability) / reliability)


def simulate_truth(kind: Kind, n_tasks: int, seed: int) -> SimulatedTruth:
    """A truth of a kind, the same for the same seed.

    Parameters
    ----------
    kind : {"additive", "synergy", "clustered", "hierarchical"}
        "additive": every source has its own effect, standard normal. "synergy": the same, and two
        pairs of sources for each target, one with synergy and one with antagonism, of 3 each.
        "clustered": tasks of one cluster (of about 6) help by 1, others hurt by 0.25, and one
        task in ten hurts all by 1. "hierarchical": clusters pair up, and tasks of a sister
        cluster help by 0.5.
    n_tasks : int
        At least 5.
    seed : int
        Of everything that is drawn.

    Raises
    ------
    ValueError
        If the kind is unknown or there are fewer than 5 tasks.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if n_tasks < 5:
        raise ValueError(f"n_tasks must be at least 5, got {n_tasks}")
    rng = np.random.default_rng(seed)
    n_pairs = 2 if kind == "synergy" else 0
    pairs = np.zeros((n_tasks, n_pairs, 2), dtype=np.intp)
    pair_effects = np.tile([3.0, -3.0][:n_pairs], (n_tasks, 1))
    if kind in ("additive", "synergy"):
        effects = rng.normal(size=(n_tasks, n_tasks))
    else:
        effects = _cluster_effects(n_tasks, kind == "hierarchical", rng)
    for target in range(n_tasks):
        effects[target, target] = 0.0
        others = np.delete(np.arange(n_tasks), target)
        drawn = rng.choice(others, (n_pairs, 2), replace=False)
        pairs[target] = np.sort(drawn, axis=1)
    return SimulatedTruth(effects, pairs, pair_effects)


def simulate_subsets(
    n_tasks: int, n_subsets: int, min_size: int, max_size: int, rng: np.random.Generator
) -> Array:
    """Distinct subsets of uniform size, as 0/1 indicators of shape (n_subsets, n_tasks).

    Raises
    ------
    ValueError
        If the sizes do not fit, or there are not so many distinct subsets.
    """
    if not 1 <= min_size <= max_size <= n_tasks:
        raise ValueError(
            f"sizes must obey 1 <= min_size <= max_size <= {n_tasks} tasks, "
            f"got {min_size} and {max_size}"
        )
    found: dict[bytes, Array] = {}
    for _ in range(1000 * n_subsets):
        if len(found) == n_subsets:
            return np.array(list(found.values()))
        row = np.zeros(n_tasks)
        size = rng.integers(min_size, max_size + 1)
        row[rng.choice(n_tasks, size, replace=False)] = 1.0
        found.setdefault(row.tobytes(), row)
    raise ValueError(f"{n_subsets} distinct subsets could not be drawn; ask for fewer")


def _cluster_effects(n_tasks: int, paired: bool, rng: np.random.Generator) -> Array:
    n_clusters = max(2, n_tasks // 6)
    cluster = rng.permutation(np.arange(n_tasks) % n_clusters)
    effects = np.full((n_tasks, n_tasks), -0.25)
    if paired:
        effects[cluster[:, None] // 2 == cluster // 2] = 0.5
    effects[cluster[:, None] == cluster] = 1.0
    harmful = rng.choice(n_tasks, max(1, n_tasks // 10), replace=False)
    effects[:, harmful] = -1.0
    return effects
