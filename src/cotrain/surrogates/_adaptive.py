from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cotrain.surrogates._relevance import Relevance, relevance
from cotrain.surrogates._scores import check_design
from cotrain.surrogates._targets import TargetSurrogates, fit_surrogates

Array = NDArray[np.float64]

# How much of a variance a study of reasonable length can still remove: what is worth measuring is
# judged by the verdicts expected then, because one subset alone hardly ever decides a pair.
HORIZON = 0.5


@dataclass(frozen=True)
class NextSubsets:
    """The subsets to train next, and whether to train them at all.

    Attributes
    ----------
    subsets : ndarray of bool, shape (n_subsets, n_tasks)
        In the order of choice, the most telling first; without rows if nothing is undecided.
    expected : ndarray, shape (n_subsets,)
        Verdicts that each is expected to contribute at the end of the study.
    relevance : Relevance
        What is known so far.
    n_undecided : int
        Pairs that more subsets are to decide; 0 is the time to stop.
    """

    subsets: NDArray[np.bool_]
    expected: Array
    relevance: Relevance
    n_undecided: int


def next_subsets(
    X: ArrayLike,
    Y: ArrayLike,
    n_subsets: int,
    *,
    min_size: int,
    max_size: int,
    fdr: float = 0.05,
    negligible: float = 0.0,
    n_candidates: int = 200,
    random_state: int = 0,
) -> NextSubsets:
    """The subsets that are expected to decide most of what is still undecided.

    For a linear model the uncertainty after a subset is known before its scores are. Each pair of a
    target and a source counts by how many verdicts a smaller variance is expected to bring: nothing
    if it is decided, little if it lies too near to 0 or too far from certain. Subsets are chosen
    one after the other to remove most of the variance so weighted (sequential Bayesian
    A-optimality; Chaloner and Verdinelli 1995), each from random candidates that are then improved
    by adding, removing and exchanging tasks. One fit scores all its members, so all targets in
    a subset count.

    Parameters
    ----------
    X : array, shape (n_measured, n_tasks)
        Subsets measured so far.
    Y : array, shape (n_measured, n_tasks) or (n_repeats, n_measured, n_tasks)
        Their scores; NaN where a fit does not score the task. New subsets are taken to have as
        many repeats.
    n_subsets : int
        How many to choose: one round.
    min_size, max_size : int
        Bounds of their sizes.
    fdr : float
        False discovery rate of the verdicts.
    negligible : float
        A pair whose interval lies within plus or minus this much, in units of the score, is settled
        as well: without such a bound, sources of no effect at all are never done with.
    n_candidates : int
        Random candidates for each choice.
    random_state : int
        Seed of the candidates.

    Raises
    ------
    ValueError
        If the sizes do not fit the tasks, or X and Y do not serve `relevance`.
    """
    X, _, counts = check_design(X, Y)
    n_tasks = X.shape[1]
    if not 1 <= min_size <= max_size <= n_tasks:
        raise ValueError(
            f"sizes must obey 1 <= min_size <= max_size <= {n_tasks} tasks, "
            f"got {min_size} and {max_size}"
        )
    if n_subsets < 1:
        raise ValueError(f"n_subsets must be at least 1, got {n_subsets}")
    known = relevance(X, Y, fdr=fdr)
    repeats = float(np.median(counts[counts > 0]))
    state = _State(fit_surrogates(X, Y), known, repeats, negligible)
    rng = np.random.default_rng(random_state)
    taken = {row.tobytes() for row in X.astype(bool)}
    chosen: list[NDArray[np.bool_]] = []
    expected: list[float] = []
    while state.n_undecided and len(chosen) < n_subsets:
        best, gain = _best_subset(state, min_size, max_size, n_candidates, taken, rng)
        if best is None:
            break
        state.add(best)
        taken.add(best.tobytes())
        chosen.append(best)
        expected.append(gain)
    subsets = np.array(chosen, dtype=bool).reshape(-1, n_tasks)
    return NextSubsets(subsets, np.array(expected), known, state.n_undecided)


class _State:
    """What is known of every target's effects, and what it is worth to know more."""

    def __init__(
        self, models: TargetSurrogates, known: Relevance, repeats: float, negligible: float
    ) -> None:
        n_tasks = len(models.estimators)
        self.targets = [t for t, model in enumerate(models.estimators) if model is not None]
        self.origin = np.zeros((n_tasks, n_tasks))
        self.covariance = np.zeros((n_tasks, n_tasks + 1, n_tasks + 1))  # level, then effects
        self.noise = np.full(n_tasks, np.nan)
        for target in self.targets:
            model: Any = models.estimators[target]
            level, effects, self.origin[target] = model.joint_covariance()
            self.covariance[target, 0, 0] = level
            self.covariance[target, 1:, 1:] = effects
            self.noise[target] = model.noise_ / repeats
        undecided = np.isin(known.verdict, ("undecided", "unknown"))
        undecided &= ~((known.low > -negligible) & (known.high < negligible))
        undecided[[t for t in range(n_tasks) if t not in self.targets]] = False
        self.n_undecided = int(undecided.sum())
        variance = np.einsum("tii->ti", self.covariance)[:, 1:]
        estimate = np.nan_to_num(known.estimate)
        critical = _critical_value(known)
        self.worth = np.where(undecided, _worth(estimate, variance, critical), 0.0)

    def gain(self, subsets: NDArray[np.bool_]) -> Array:
        """Verdicts expected of each subset, shape (n_subsets,)."""
        result = np.zeros(len(subsets))
        for target in self.targets:
            rows = np.flatnonzero(subsets[:, target])
            if len(rows):
                step = self._step(subsets[rows], target)
                told = step @ self.covariance[target]
                variance = np.einsum("ij,ij->i", told, step) + self.noise[target]
                result[rows] += (told[:, 1:] ** 2 @ self.worth[target]) / variance
        return result

    def add(self, subset: NDArray[np.bool_]) -> None:
        """The state after the subset is measured; its scores do not matter for the variance."""
        for target in self.targets:
            if subset[target]:
                step = self._step(subset[None], target)[0]
                told = self.covariance[target] @ step
                self.covariance[target] -= np.outer(told, told) / (step @ told + self.noise[target])

    def _step(self, subsets: NDArray[np.bool_], target: int) -> Array:
        return np.column_stack([np.ones(len(subsets)), subsets - self.origin[target]])


def _critical_value(known: Relevance) -> float:
    """How many standard errors decide a pair at the present number of verdicts."""
    p_values = known.p_value[~np.isnan(known.p_value)]
    decided = known.count("helps") + known.count("hurts")
    return float(stats.norm.isf(known.fdr * (decided + 1) / max(len(p_values), 1) / 2))


def _worth(estimate: Array, variance: Array, critical: float) -> Array:
    """Verdicts gained for each unit of variance removed.

    With the variance v now and v' at the horizon, the estimate will have moved by N(0, v - v'), and
    the pair is decided where it then exceeds `critical` times the root of v'. The derivative of
    that probability by v'.
    """

    def decided(share: float) -> Array:
        later = variance * (1 - share)
        moved = np.sqrt(variance - later)
        bar = critical * np.sqrt(later)
        with np.errstate(divide="ignore", invalid="ignore"):
            upper = stats.norm.cdf((np.abs(estimate) - bar) / moved)
            return upper + stats.norm.cdf((-np.abs(estimate) - bar) / moved)

    width = 0.05
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (decided(HORIZON + width) - decided(HORIZON - width)) / (2 * width * variance)
    return np.nan_to_num(np.maximum(slope, 0.0), posinf=0.0)


def _best_subset(
    state: _State,
    min_size: int,
    max_size: int,
    n_candidates: int,
    taken: set[bytes],
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_] | None, float]:
    n_tasks = len(state.origin)
    sizes = rng.integers(min_size, max_size + 1, n_candidates)
    order = rng.random((n_candidates, n_tasks)).argsort(axis=1).argsort(axis=1)
    candidates = _new(order < sizes[:, None], taken)
    if not len(candidates):
        return None, 0.0
    gains = state.gain(candidates)
    best, gain = candidates[np.argmax(gains)], float(gains.max())
    while True:
        neighbours = _new(_neighbours(best, min_size, max_size, rng), taken)
        gains = state.gain(neighbours)
        if not len(neighbours) or gains.max() <= gain * (1 + 1e-9):
            return best, gain
        best, gain = neighbours[np.argmax(gains)], float(gains.max())


def _neighbours(
    subset: NDArray[np.bool_], min_size: int, max_size: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """The subset with one task more or less, and some with one exchanged."""
    n_tasks = len(subset)
    flipped = subset ^ np.eye(n_tasks, dtype=bool)
    members, others = np.flatnonzero(subset), np.flatnonzero(~subset)
    if len(others):
        swapped = np.repeat(subset[None], n_tasks, axis=0)
        rows = np.arange(n_tasks)
        swapped[rows, rng.choice(members, n_tasks)] = False
        swapped[rows, rng.choice(others, n_tasks)] = True
        flipped = np.vstack([flipped, swapped])
    size = flipped.sum(axis=1)
    return flipped[(size >= min_size) & (size <= max_size)]


def _new(subsets: NDArray[np.bool_], taken: set[bytes]) -> NDArray[np.bool_]:
    return subsets[[row.tobytes() not in taken for row in subsets]]
