"""What the tasks of a transfer model have in common, and how far each is drawn to it.

How far is chosen by the error on allocations left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from cotrain.curves._forms import CEILING
from cotrain.curves._transfer_core import (
    FIRST,
    B,
    C,
    TargetData,
    TargetFit,
    TargetPrior,
    expected_score,
    most_probable,
)

_VARIANCE_WEIGHT = 4.0  # rows that the tasks' typical noise counts for in each task's own
_SD_FLOOR = 1e-3
# Least spread of log own discounts. Below a half, tasks that look alike would make each other's
# gains of labels sure (a gain's standard error is the gain times that of the logarithm).
_OWN_SPREAD = 1.0
N_JUDGED = 20
"""Targets at most that candidates are judged on."""


@dataclass(frozen=True, eq=False)
class Population:
    """How c, b, log α_ii and the mean α_ij of a target are spread over targets: (mean, sd) each."""

    c: tuple[float, float]
    b: tuple[float, float]
    own: tuple[float, float]
    domain: tuple[float, float]
    block_sd: float  # spread of the offsets that scores of one task and block share
    variance: np.ndarray  # (K,): noise of each target's scores


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """The spread of α_ij about the target's mean: α_ij = domain_i + sum_k u_ik v_kj + ε_ij."""

    # Standard deviation of sum_j ε_ij, in α's units: change of the log shortfall when all labels of
    # all other tasks join. Small means strongly shrunk. A pair's ε has 1 / sqrt(K − 1) of it, so
    # that many tasks are together no freer than few
    strength: float
    # (rank, K): v, scaled so that u has unit variance; no rows for a plain hierarchy
    directions: np.ndarray

    @classmethod
    def plain(cls, strength: float, n_tasks: int) -> Self:
        """A hierarchy without shared directions."""
        return cls(strength, np.empty((0, n_tasks)))


def first_population(targets: Sequence[TargetData]) -> Population:
    """A vague population, from the range of the scores."""
    scores = np.concatenate([data.y for data in targets])
    middle, spread = float(np.median(scores)), float(max(scores.std(), 1e-3))
    variance = np.array([max(data.y.var(), 1e-8) / 4 for data in targets])
    c = min(CEILING, middle + spread)
    gap = float(np.log(2 * spread))
    return Population((c, 3 * spread), (gap, 2.0), (0.0, 1.0), (0.0, 0.5), spread / 2, variance)


def update_population(
    population: Population, targets: Sequence[TargetData], fits: Sequence[TargetFit]
) -> Population:
    """One step of expectation maximisation, the posterior of each target taken as normal."""
    z = np.stack([fit.z for fit in fits])
    spread = np.stack([np.diag(fit.covariance) for fit in fits])
    n_tasks = targets[0].x.shape[1]
    index = np.arange(len(fits))
    domain = np.array([_domain_mean(d, f, n_tasks) for d, f in zip(targets, fits, strict=True)])
    own = FIRST + np.array([data.target for data in targets])
    centre, own_spread = spread_of(z[index, own], spread[index, own])
    return replace(
        population,
        c=spread_of(z[:, C], spread[:, C]),
        b=spread_of(z[:, B], spread[:, B]),
        own=(centre, max(own_spread, _OWN_SPREAD)),
        domain=spread_of(domain[:, 0], domain[:, 1]) if n_tasks > 1 else population.domain,
        block_sd=_block_spread(fits, FIRST + n_tasks) if targets[0].n_blocks else 0.0,
        variance=_noise(targets, fits),
    )


def target_prior(data: TargetData, population: Population, shrinkage: Shrinkage) -> TargetPrior:
    """The prior of one target's parameters."""
    n_tasks = data.x.shape[1]
    effects, own = slice(FIRST, FIRST + n_tasks), FIRST + data.target
    mean = np.zeros(data.n_parameters)
    precision = np.zeros((mean.size, mean.size))
    mean[effects] = population.domain[0]
    precision[effects, effects] = _off_precision(data.target, population, shrinkage, n_tasks)
    for at, (centre, sd) in ((C, population.c), (B, population.b), (own, population.own)):
        mean[at], precision[at, at] = centre, 1 / max(sd, _SD_FLOOR) ** 2
    offsets = np.arange(FIRST + n_tasks, mean.size)
    precision[offsets, offsets] = 1 / max(population.block_sd, 1e-5) ** 2
    return TargetPrior(mean, precision, float(population.variance[data.target]))


def leading_directions(parameters: Sequence[np.ndarray], n_tasks: int, rank: int) -> np.ndarray:
    """The directions (rank, K) along which sources' effects differ most, targets alike.

    `parameters` are the z of all targets.
    """
    alpha = np.stack([z[FIRST : FIRST + n_tasks] for z in parameters])
    off = ~np.eye(n_tasks, dtype=bool)
    mean = np.where(off, alpha, 0.0).sum(axis=1, keepdims=True) / max(n_tasks - 1, 1)
    _, size, directions = np.linalg.svd(np.where(off, alpha - mean, 0.0), full_matrices=False)
    return directions[:rank] * size[:rank, None] / np.sqrt(len(parameters))


def spread_of(means: np.ndarray, variances: np.ndarray) -> tuple[float, float]:
    """Mean of tasks' parameters, and the spread of one more task's about it.

    The mean's own error is in the spread: few tasks do not tell well what tasks have in common.
    `variances` are those of the `means`.
    """
    n = len(means)
    centre = float(means.mean())
    between = float(np.square(means - centre).sum()) / max(n - 1, 1)
    return centre, float(np.sqrt((1 + 1 / n) * (between + variances.mean())))


def _off_precision(
    target: int, population: Population, shrinkage: Shrinkage, n_tasks: int
) -> np.ndarray:
    """Precision of α_ij, the inverse of pair² I + V Vᵀ by Woodbury; α_ii shares nothing."""
    shared = np.vstack([np.full(n_tasks, population.domain[1]), shrinkage.directions])
    shared[:, target] = 0.0
    pair = shrinkage.strength / np.sqrt(max(n_tasks - 1, 1))
    v = shared.T / pair
    inner = np.linalg.solve(np.eye(v.shape[1]) + v.T @ v, v.T)
    return (np.eye(n_tasks) - v @ inner) / pair**2


def _domain_mean(data: TargetData, fit: TargetFit, n_tasks: int) -> tuple[float, float]:
    """Mean of α_ij over j ≠ i, and its variance."""
    weight = np.zeros(len(fit.z))
    weight[FIRST : FIRST + n_tasks] = 1 / max(n_tasks - 1, 1)
    weight[FIRST + data.target] = 0.0
    return float(weight @ fit.z), float(weight @ fit.covariance @ weight)


def _block_spread(fits: Sequence[TargetFit], first: int) -> float:
    """Spread of the blocks' offsets, by their differences: what they share is in c as well."""
    n_blocks = len(fits[0].z) - first
    apart = np.eye(n_blocks) - 1 / n_blocks
    total = sum(
        np.square(apart @ fit.z[first:]).sum() + np.sum(apart * fit.covariance[first:, first:])
        for fit in fits
    )
    return float(np.sqrt(total / (len(fits) * (n_blocks - 1))))


def _noise(targets: Sequence[TargetData], fits: Sequence[TargetFit]) -> np.ndarray:
    """Variance of each target's noise, drawn a little to the typical one."""
    error = np.array([fit.squared_error for fit in fits])
    free = np.array([max(len(d.y) - f.degrees, 1.0) for d, f in zip(targets, fits, strict=True)])
    typical = float(np.median(error / free))
    return np.maximum((error + _VARIANCE_WEIGHT * typical) / (free + _VARIANCE_WEIGHT), 1e-12)


@dataclass(frozen=True)
class ShrinkageChoice:
    """A candidate and its cross-validated error."""

    rank: int  # number of shared directions; 0 is the plain hierarchy
    strength: float  # standard deviation of the sum of a target's effects about them
    # Mean over tasks of the squared error on held-out allocations, in units of the task's noise
    # variance; NaN if there was nothing to choose.
    error: float


@dataclass(frozen=True, eq=False)
class Judge:
    """Measures the errors of candidates on allocations left out."""

    targets: Sequence[TargetData]
    folds: Sequence[np.ndarray]  # sequence of ndarray of int: the fold of each row of each target
    scale: np.ndarray  # (K,): noise variances that errors are measured in

    def errors(
        self,
        candidates: Sequence[tuple[int, float]],
        population: Population,
        fits: Sequence[TargetFit],
        plain: float,
    ) -> list[ShrinkageChoice]:
        """The errors of candidates (rank, strength).

        They are measured on a few targets, evenly spread; all are fitted where shared directions
        need them, which are those of fits without any, at the strength `plain`. Searches start from
        `fits`.
        """
        n_judged = min(N_JUDGED, len(self.targets))
        judged = np.unique(np.linspace(0, len(self.targets) - 1, n_judged).astype(int))
        by_fold = self._directions(max(rank for rank, _ in candidates), population, fits, plain)
        choices = []
        for rank, strength in candidates:
            shared = [found[:rank] for found in by_fold]
            errors = [self._error(t, population, fits[t], strength, shared) for t in judged]
            choices.append(ShrinkageChoice(rank, strength, float(np.mean(errors))))
        return choices

    def _directions(
        self, rank: int, population: Population, fits: Sequence[TargetFit], plain: float
    ) -> list[np.ndarray]:
        """Shared directions from the rows outside each fold, (rank, K) each."""
        n_folds = 1 + max(int(fold.max()) for fold in self.folds)
        n_tasks = self.targets[0].x.shape[1]
        shrinkage = Shrinkage.plain(plain, n_tasks)
        if rank == 0:
            return [shrinkage.directions] * n_folds
        result = []
        for held_out in range(n_folds):
            trained = []
            for data, fold, fit in zip(self.targets, self.folds, fits, strict=True):
                prior = target_prior(data, population, shrinkage)
                trained.append(most_probable(data.rows(fold != held_out), prior, fit.z)[0])
            result.append(leading_directions(trained, n_tasks, rank))
        return result

    def _error(
        self,
        target: int,
        population: Population,
        fit: TargetFit,
        strength: float,
        directions: Sequence[np.ndarray],
    ) -> float:
        """Mean squared error on the rows left out of one target, in units of its noise."""
        data, fold = self.targets[target], self.folds[target]
        total = 0.0
        for held_out, found in enumerate(directions):
            left = fold == held_out
            if not left.any():
                continue
            prior = target_prior(data, population, Shrinkage(strength, found))
            z, _ = most_probable(data.rows(~left), prior, fit.z)
            rest = data.rows(left)
            total += float(np.square(rest.y - expected_score(z, rest)).sum())
        return total / len(data.y) / float(self.scale[target])
