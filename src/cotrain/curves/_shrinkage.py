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
        variance=_noise(fits),
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


def _noise(fits: Sequence[TargetFit]) -> np.ndarray:
    """Variance of each target's noise, drawn a little to the typical one."""
    error = np.array([fit.squared_error for fit in fits])
    free = np.array([fit.degrees for fit in fits])
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


def held_out_errors(
    candidates: Sequence[tuple[int, float]],
    targets: Sequence[TargetData],
    folds: Sequence[np.ndarray],
    population: Population,
    fits: Sequence[TargetFit],
    plain: float,
    scale: np.ndarray,
) -> list[ShrinkageChoice]:
    """The errors of candidates (rank, strength) on allocations left out.

    They are measured on a few targets, evenly spread; all are fitted where shared directions need
    them, which are those of fits without any, at the strength `plain`. Searches start from `fits`.
    `folds` are of the rows of each target, `scale` (K,) the noise variances that errors are in.
    """
    n_judged, n_tasks = min(N_JUDGED, len(targets)), targets[0].x.shape[1]
    judged = np.unique(np.linspace(0, len(targets) - 1, n_judged).astype(int))
    most, without = max(rank for rank, _ in candidates), Shrinkage.plain(plain, n_tasks)

    def fitted(target: int, held_out: int, shrinkage: Shrinkage) -> np.ndarray:
        data = targets[target].rows(folds[target] != held_out)
        return most_probable(data, target_prior(data, population, shrinkage), fits[target].z)[0]

    by_fold = []  # shared directions from the rows outside each fold, (rank, K) each
    for held_out in range(1 + max(int(fold.max()) for fold in folds)):
        directions = without.directions
        if most > 0:
            trained = [fitted(target, held_out, without) for target in range(len(targets))]
            directions = leading_directions(trained, n_tasks, most)
        by_fold.append(directions)

    def error(target: int, rank: int, strength: float) -> float:
        """Mean squared error on the rows left out of one target, in units of its noise."""
        data, total = targets[target], 0.0
        for held_out, directions in enumerate(by_fold):
            left = folds[target] == held_out
            if left.any():
                z = fitted(target, held_out, Shrinkage(strength, directions[:rank]))
                rest = data.rows(left)
                total += float(np.square(rest.y - expected_score(z, rest)).sum())
        return total / len(data.y) / float(scale[target])

    return [
        ShrinkageChoice(rank, strength, float(np.mean([error(t, rank, strength) for t in judged])))
        for rank, strength in candidates
    ]
