"""One model of every fit: what a label of each task is worth to each."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from cotrain.curves._forms import CEILING
from cotrain.curves._shrinkage import (
    Population,
    Shrinkage,
    ShrinkageChoice,
    first_population,
    held_out_errors,
    leading_directions,
    target_prior,
    update_population,
)
from cotrain.curves._transfer_core import (
    FIRST,
    B,
    C,
    TargetFit,
    Targets,
    discounts,
    first_guess,
    fit_target,
    score_gradient,
)
from cotrain.reliability import CONFIDENCE

N_FOLDS = 5
"""Of the cross-validation; allocations are left out whole."""
N_UPDATES = 4
"""Rounds in which what the tasks have in common is estimated anew."""
_N_DRAWS = 1000  # of the posterior, for intervals of exchange rates


class TransferModel(BaseEstimator):
    """Scores of all tasks at any label counts: P_i(n) = c_i − exp(b_i − sum_j a_ij n_j).

    The multi-task learning curve of arXiv 2512.24866 with a discount for every pair, fitted to
    single-task, subset, level and augmentation fits at once. The discounts of a target are drawn to
    the target's mean, and to directions that targets share, as far as cross-validation finds good;
    c, b and the own discounts are drawn to those of the other tasks. Intervals are from the
    posterior, taken as normal at its maximum.

    Parameters
    ----------
    strengths : sequence of float
        Candidates for how far a target's effects may stray from the shared ones: standard deviation
        of their sum over sources, as change of the log shortfall when all labels of all other tasks
        join. A pair's is 1 / sqrt(K − 1) of it. One candidate: no choice.
    ranks : sequence of int
        Candidates for the number of shared directions; 0 is the plain hierarchy.
    random_state : int, RandomState or None
        Seed of the folds.

    Attributes
    ----------
    asymptotes_, applicabilities_ : ndarray, (K,)
        c and b.
    discounts_ : ndarray, (K, K)
        a_ij per label: [target, source].
    exchange_rates_ : ndarray, (K, K)
        a_ij / a_ii: labels of target i that one label of source j is worth.
    noise_ : ndarray, (K,)
        Standard deviation of scores about the model within a block.
    block_sd_ : float
        Standard deviation of the offset that scores of one task and block share.
    choices_ : tuple of ShrinkageChoice
        Candidates and their errors, best first; the first one is used.

    Examples
    --------
    >>> import numpy as np
    >>> N = np.random.default_rng(0).integers(0, 500, size=(200, 2))
    >>> a = np.array([[0.004, 0.002], [0.0, 0.004]])
    >>> model = TransferModel(random_state=0).fit(N, 0.9 - np.exp(-1.5 - N @ a.T))
    >>> model.exchange_rates_.round(2) + 0.0
    array([[1. , 0.5],
           [0. , 1. ]])
    """

    def __init__(
        self,
        *,
        strengths: Sequence[float] = (0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
        ranks: Sequence[int] = (0, 1, 2),
        random_state: Any = None,
    ) -> None:
        self.strengths = strengths
        self.ranks = ranks
        self.random_state = random_state

    def fit(
        self,
        N: np.ndarray,
        Y: np.ndarray,
        blocks: np.ndarray | None = None,
        tasks: Sequence[str] | None = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        N : ndarray, (n_fits, K)
            Labels of each task that each fit was trained on.
        Y : ndarray, (n_fits, K)
            Scores, higher is better; NaN where a fit does not score a task.
        blocks : ndarray, (n_fits, K) or (n_fits,), optional
            Block of each score: which folds of the task were trained on, and which scored on.
            Scores of one task and block share an offset, which the model takes out. A single block
            leaves nothing to tell an offset by: the model then speaks of its folds.
        tasks : sequence of str, optional
            Names for messages.

        Raises
        ------
        ValueError
            If a task has no score, a score is above the ceiling, a count is negative or unknown,
            or no task's own counts ever change.
        """
        if not self.strengths or min(self.strengths) <= 0:
            raise ValueError(f"strengths must be positive, got {self.strengths}")
        if not self.ranks or min(self.ranks) < 0:
            raise ValueError(f"ranks must be at least 0, got {self.ranks}")
        N, Y = _check_fits(N, Y, tasks)
        # Many small systems: threads would wait for each other, and change the last bits.
        with threadpool_limits(limits=1, user_api="blas"):
            return self._fit(N, Y, block_codes(blocks, N.shape))

    def _fit(self, N: np.ndarray, Y: np.ndarray, blocks: np.ndarray) -> Self:
        n_tasks = N.shape[1]
        self.scales_ = np.maximum(N.max(axis=0), 1.0)
        targets = Targets(N / self.scales_, Y, blocks)
        # Fits with the same counts are left out together.
        code = np.unique(N, axis=0, return_inverse=True)[1].reshape(-1)
        order = check_random_state(self.random_state).permutation(int(code.max()) + 1)
        folds = order[code] % min(N_FOLDS, len(order))
        by_target = [folds[np.isfinite(y)] for y in Y.T]
        population = first_population(targets)
        middling = Shrinkage.plain(float(np.median(self.strengths)), n_tasks)
        starts = [first_guess(data, target_prior(data, population, middling)) for data in targets]
        population, fits = _settle(targets, population, middling, starts, N_UPDATES)
        population, fits, self.choices_ = self._choose(targets, by_target, population, fits)
        chosen = self.choices_[0]
        shrinkage = Shrinkage(
            chosen.strength, leading_directions([fit.z for fit in fits], n_tasks, chosen.rank)
        )
        for _ in range(2):
            fits = _fit_all(targets, population, shrinkage, [fit.z for fit in fits])
            population = update_population(population, targets, fits)
        self.shrinkage_, self.fits_ = shrinkage, tuple(fits)
        self.degrees_ = np.array([fit.degrees for fit in fits])
        z = np.stack([fit.z for fit in fits])
        alpha = np.stack([discounts(fit.z, i, n_tasks) for i, fit in enumerate(fits)])
        self.asymptotes_, self.applicabilities_ = z[:, C], z[:, B]
        self.discounts_ = alpha / self.scales_
        self.exchange_rates_ = self.discounts_ / np.diag(self.discounts_)[:, None]
        self.noise_, self.block_sd_ = np.sqrt(population.variance), population.block_sd
        self.n_features_in_ = n_tasks
        return self

    def predict(self, N: np.ndarray) -> np.ndarray:
        """The expected score of every task at counts N (n, K), (n, K).

        Scores are those of a typical block. A task without labels of its own is predicted too:
        what the others' labels would be worth to it.
        """
        check_is_fitted(self, "discounts_")
        N = _check_fit_counts(N, len(self.asymptotes_))
        exponent = self.applicabilities_ - N @ self.discounts_.T
        return self.asymptotes_ - np.exp(np.minimum(exponent, 50.0))

    def exchange_rate_intervals(self) -> np.ndarray:
        """The 95 % interval of each exchange rate, (K, K, 2): [target, source, low or high]."""
        check_is_fitted(self, "discounts_")
        return np.stack([self._rate_interval(i) for i in range(len(self.fits_))])

    def gain_reach(
        self, before: np.ndarray, after: np.ndarray, level: float = CONFIDENCE
    ) -> np.ndarray:
        """Half the width of the interval of each task's gain between two vectors of counts, (K,).

        Smaller than the widths of both scores would give: their errors are shared.
        """
        check_is_fitted(self, "discounts_")
        x = _check_fit_counts(np.stack([before, after]), len(self.asymptotes_)) / self.scales_
        width = FIRST + x.shape[1]
        variance = np.empty(len(self.fits_))
        for target, fit in enumerate(self.fits_):
            change = np.diff(score_gradient(fit.z, target, x), axis=0)[0]
            variance[target] = change @ fit.covariance[:width, :width] @ change
        return self.reach(level) * np.sqrt(variance)

    def label_worth(
        self, counts: np.ndarray, n_labels: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `n_labels` more of each task alone bring to the mean score: gain, low, high, (K,).

        `counts` (K,) are the labels at hand.
        """
        n_tasks = len(self.asymptotes_)
        start, shares = np.asarray(counts, dtype=float), np.ones(n_tasks) / n_tasks
        gain, half = np.empty((2, n_tasks))
        for task, labels in enumerate(n_labels * np.eye(n_tasks)):
            now, then = self.predict(np.stack([start, start + labels]))
            gain[task] = shares @ (then - now)
            reach = shares * self.gain_reach(start, start + labels)
            # What the other targets take is drawn to one common mean, whose error they share.
            half[task] = np.hypot(reach[task], reach.sum() - reach[task])
        return gain, gain - half, gain + half

    def _choose(
        self,
        targets: Targets,
        folds: Sequence[np.ndarray],
        population: Population,
        fits: list[TargetFit],
    ) -> tuple[Population, list[TargetFit], tuple[ShrinkageChoice, ...]]:
        """The choices, best first, and the fits without shared directions that they started from.

        Strengths are compared at the lowest rank. The population is then settled at the best one,
        from where ranks are compared, at that strength and the next smaller one: what shared
        directions explain need not be left to the single pairs.
        """
        lowest = min(self.ranks)
        ranks = [rank for rank in self.ranks if lowest < rank < len(targets)]
        if len(self.strengths) == 1 and not ranks:
            only = ShrinkageChoice(lowest, float(self.strengths[0]), float("nan"))
            return population, fits, (only,)
        scale, middling = population.variance, float(np.median(self.strengths))
        plain_ones = [(lowest, s) for s in self.strengths]
        choices = held_out_errors(plain_ones, targets, folds, population, fits, middling, scale)
        best = min(choices, key=lambda choice: choice.error).strength
        if best != middling:
            plain, starts = Shrinkage.plain(best, len(targets)), [fit.z for fit in fits]
            population, fits = _settle(targets, population, plain, starts, 1)
        if ranks:
            strengths = [*[s for s in sorted(self.strengths) if s < best][-1:], best]
            candidates = [(rank, s) for rank in (lowest, *ranks) for s in strengths]
            anew = held_out_errors(candidates, targets, folds, population, fits, best, scale)
            choices = [c for c in choices if c.strength not in strengths] + anew
        return population, fits, tuple(sorted(choices, key=lambda choice: choice.error))

    def reach(self, level: float) -> np.ndarray:
        """Standard deviations from the middle to the end of each target's interval, (K,)."""
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, got {level}")
        return stats.t.ppf(0.5 + level / 2, self.degrees_)

    def _rate_interval(self, target: int) -> np.ndarray:
        """95 % interval of a_ij / a_ii over sources, (K, 2), from draws of the posterior."""
        fit, n_tasks = self.fits_[target], len(self.asymptotes_)
        at, own = slice(FIRST, FIRST + n_tasks), FIRST + target
        rng = np.random.default_rng(target)
        # Stretched normal draws have the reach of the target's t distribution at this level.
        stretch = self.reach(CONFIDENCE)[target] / stats.norm.ppf(0.5 + CONFIDENCE / 2)
        first, second = stretch * rng.standard_normal((2, _N_DRAWS, 1))
        own_sd = np.sqrt(fit.covariance[own, own])
        slope = fit.covariance[own, at] / own_sd
        rest = np.sqrt(np.maximum(np.diag(fit.covariance)[at] - slope**2, 0.0))
        alpha = fit.z[at] + first * slope + second * rest
        rates = alpha / np.exp(fit.z[own] + own_sd * first) * self.scales_[target] / self.scales_
        rates[:, target] = 1.0
        return np.quantile(rates, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2], axis=0).T


def _settle(
    targets: Targets,
    population: Population,
    shrinkage: Shrinkage,
    starts: Sequence[np.ndarray],
    n_updates: int,
) -> tuple[Population, list[TargetFit]]:
    """What tasks have in common estimated anew so many times, and the fits under it."""
    fits = _fit_all(targets, population, shrinkage, starts)
    for _ in range(n_updates):
        population = update_population(population, targets, fits)
        fits = _fit_all(targets, population, shrinkage, [fit.z for fit in fits])
    return population, fits


def _fit_all(
    targets: Targets, population: Population, shrinkage: Shrinkage, starts: Sequence[np.ndarray]
) -> list[TargetFit]:
    return [
        fit_target(data, target_prior(data, population, shrinkage), start)
        for data, start in zip(targets, starts, strict=True)
    ]


def _check_fits(
    N: np.ndarray, Y: np.ndarray, tasks: Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray]:
    Y = np.asarray(Y, dtype=float)
    if Y.ndim != 2:
        raise ValueError(f"Y must have shape (n_fits, K), got {Y.shape}")
    N = _check_fit_counts(N, Y.shape[1])
    if N.shape != Y.shape:
        raise ValueError(f"N must have the shape of Y, got {N.shape} and {Y.shape}")
    names = [f"task {i}" for i in range(Y.shape[1])] if tasks is None else list(tasks)
    if len(names) != Y.shape[1]:
        raise ValueError(f"tasks must hold {Y.shape[1]} names, got {len(names)}")
    known = np.isfinite(Y)
    wrong = (Y > CEILING) | np.isinf(Y)
    if wrong.any():
        row, task = np.argwhere(wrong)[0]
        raise ValueError(
            f"Y must be finite and at most the ceiling {CEILING:g}, got {Y[row, task]:g} for "
            f"{names[task]} in row {row}; for a loss, give 1 − loss"
        )
    if not known.any(axis=0).all():
        task = int(np.argmin(known.any(axis=0)))
        raise ValueError(f"Y must score every task, got no score for {names[task]}; leave it out")
    own = np.where(known, N, np.nan)
    if not (np.nanmax(own, axis=0) > np.nanmin(own, axis=0)).any():
        raise ValueError(
            "N must hold different counts of a task where it is scored, got one level only; "
            "add fits at another level"
        )
    return N, Y


def _check_fit_counts(N: np.ndarray, n_tasks: int) -> np.ndarray:
    N = np.asarray(N, dtype=float)
    if N.ndim != 2 or N.shape[1] != n_tasks:
        raise ValueError(f"N must have shape (n, {n_tasks}), got {N.shape}")
    if not ((N >= 0) & np.isfinite(N)).all():
        raise ValueError("N must hold counts of at least 0, got a negative or unknown one")
    return N


def block_codes(blocks: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """Whole numbers 0, 1, … for the different blocks, of the shape (n_fits, K)."""
    if blocks is None:
        return np.zeros(shape, dtype=np.int64)
    blocks = np.asarray(blocks)
    if blocks.shape not in (shape, shape[:1]):
        raise ValueError(f"blocks must have shape {shape[:1]} or {shape}, got {blocks.shape}")
    if blocks.dtype.kind == "f" and np.isnan(blocks).any():
        row = np.argwhere(np.isnan(blocks))[0][0]
        raise ValueError(f"blocks must be known, got NaN in row {row}")
    numbers = np.unique(blocks, return_inverse=True)[1].reshape(blocks.shape)
    return np.broadcast_to(numbers[:, None] if numbers.ndim == 1 else numbers, shape)
