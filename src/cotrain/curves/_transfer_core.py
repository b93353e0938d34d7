"""One target of the transfer model: a penalised least-squares fit and its curvature.

Notation, for one target i of K tasks with n rows (fits that score it) in R blocks:

    x      (n, K)   counts divided by the largest count of each task
    z      (p,)     parameters c, b, α_1 … α_K, δ_1 … δ_R; α_i is held as its logarithm
    m      (n,)     shortfall exp(b − x·α)

    score = c + δ_block − m + noise,   z ~ N(mean, precision⁻¹),   noise ~ N(0, variance)

The offsets δ of the most probable z add up to 0. Else they would lift c past the ceiling together.
That c is of R blocks alone is in its variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import LinAlgError
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dposv, dpotrf, dpotri

from cotrain.curves._forms import CEILING

C, B, FIRST = 0, 1, 2
_TIE = 1e4  # precision of the offsets' sum, in units of that of one offset
_MAX_ITERATIONS = 60
_TOLERANCE = 1e-3  # of twice the log posterior: a thirtieth of a standard deviation


@dataclass(frozen=True, eq=False)
class TargetData:
    """The rows that score one target."""

    target: int
    x: np.ndarray  # (n, K)
    y: np.ndarray  # (n,)
    block: np.ndarray  # (n,) of int
    n_blocks: int  # R; 0 where blocks are not told apart

    @property
    def n_parameters(self) -> int:
        return FIRST + self.x.shape[1] + self.n_blocks

    def rows(self, chosen: np.ndarray) -> "TargetData":
        """Only the rows of a mask."""
        x, y, block = self.x[chosen], self.y[chosen], self.block[chosen]
        return TargetData(self.target, x, y, block, self.n_blocks)


class Targets(Sequence[TargetData]):
    """The rows that score each target, cut out when asked for: K copies of the counts are many."""

    def __init__(self, x: np.ndarray, Y: np.ndarray, blocks: np.ndarray) -> None:
        self._x, self._Y, self._blocks = x, Y, blocks
        n_blocks = int(blocks.max()) + 1
        self._n_blocks = n_blocks if n_blocks > 1 else 0

    def __len__(self) -> int:
        return self._Y.shape[1]

    def __getitem__(self, target: int) -> TargetData:  # type: ignore[override]
        if not 0 <= target < len(self):
            raise IndexError(target)
        rows = np.isfinite(self._Y[:, target])
        x = self._x if rows.all() else self._x[rows]
        y, block = self._Y[rows, target], self._blocks[rows, target]
        return TargetData(target, x, y, block, self._n_blocks)


@dataclass(frozen=True, eq=False)
class TargetPrior:
    """Mean (p,) and precision (p, p) of z, and the noise's variance."""

    mean: np.ndarray
    precision: np.ndarray
    variance: float


@dataclass(frozen=True, eq=False)
class TargetFit:
    """The most probable z, its covariance (p, p) by Laplace's approximation, and the residuals."""

    z: np.ndarray
    covariance: np.ndarray
    squared_error: float
    degrees: float  # rows beyond the effective number of parameters, 1 at least


def discounts(z: np.ndarray, target: int, n_tasks: int) -> np.ndarray:
    """α of every task, (K,), from parameters z."""
    alpha = z[FIRST : FIRST + n_tasks].copy()
    alpha[target] = np.exp(alpha[target])
    return alpha


def expected_score(z: np.ndarray, data: TargetData) -> np.ndarray:
    """The score of each row, (n,), the blocks' offsets included."""
    return _offsets(z, data) - _shortfall(z, data)


def score_gradient(z: np.ndarray, target: int, x: np.ndarray) -> np.ndarray:
    """Derivatives of the expected score by c, b and α, (n, 2 + K), at scaled counts x."""
    n_tasks = x.shape[1]
    alpha = discounts(z, target, n_tasks)
    short = np.exp(np.minimum(z[B] - x @ alpha, 50.0))
    gradient = np.empty((len(x), FIRST + n_tasks))
    gradient[:, C] = 1.0
    gradient[:, B] = -short
    np.multiply(x, short[:, None], out=gradient[:, FIRST:])
    gradient[:, FIRST + target] *= alpha[target]
    return gradient


def fit_target(data: TargetData, prior: TargetPrior, start: np.ndarray) -> TargetFit:
    """The most probable parameters from `start`, and how sure they are."""
    z, normal = most_probable(data, prior, start)
    covariance = _inverse(normal - _tie(data, prior))
    residual = data.y - expected_score(z, data)
    spent = len(z) - float(np.sum(covariance * prior.precision))
    return TargetFit(z, covariance, float(residual @ residual), max(len(data.y) - spent, 1.0))


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Of a positive definite matrix."""
    root, failed = dpotrf(matrix, lower=True)
    if failed:
        raise LinAlgError("the curvature of a target's fit is not positive definite")
    inverse, _ = dpotri(root, lower=True)
    lower = np.tril(inverse, -1)
    return np.asarray(lower + lower.T + np.diag(np.diag(inverse)))


def most_probable(
    data: TargetData, prior: TargetPrior, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The most probable parameters, by Levenberg–Marquardt, and half the cost's curvature there.

    The curvature has the tie of the offsets' sum in it. Only its lower half holds.
    """
    prior = replace(prior, precision=np.asfortranarray(prior.precision + _tie(data, prior)))
    z = start.copy()
    z[C] = min(z[C], CEILING)
    at = _tried(z, data, prior)
    damping = 1e-3
    jacobian = _constant_columns(data)
    normal, pull = _normal_equations(at, data, prior, jacobian)
    for _ in range(_MAX_ITERATIONS):
        z = at.z + _step(normal, pull, damping, bool(at.z[C] >= CEILING and pull[C] > 0))
        z[C] = min(z[C], CEILING)
        trial = _tried(z, data, prior)
        if trial.cost <= at.cost:
            gained, at, damping = at.cost - trial.cost, trial, max(damping / 10, 1e-10)
            normal, pull = _normal_equations(at, data, prior, jacobian)
            if gained <= _TOLERANCE:
                break
        else:
            damping *= 10
            if damping > 1e12:
                break
    return at.z, normal


@dataclass(frozen=True, eq=False, slots=True)
class _Tried:
    """Parameters z (p,), and what the cost and its slope are made of."""

    z: np.ndarray
    short: np.ndarray  # shortfalls, (n,)
    residual: np.ndarray  # (n,)
    drawn: np.ndarray  # half the slope of the prior's part of the cost, (p,)
    cost: float  # twice the negative log posterior


def _tried(z: np.ndarray, data: TargetData, prior: TargetPrior) -> _Tried:
    short = _shortfall(z, data)
    residual = data.y - _offsets(z, data) + short
    away = z - prior.mean
    drawn = prior.precision @ away
    cost = float(residual @ residual / prior.variance + away @ drawn)
    return _Tried(z, short, residual, drawn, cost)


def _tie(data: TargetData, prior: TargetPrior) -> np.ndarray:
    """Precision (p, p) that holds the sum of the offsets at 0, over blocks that have rows."""
    tied = np.zeros(data.n_parameters)
    if data.n_blocks:
        tied[-data.n_blocks :] = np.bincount(data.block, minlength=data.n_blocks) > 0
    return _TIE * prior.precision[-1, -1] * np.outer(tied, tied)


def first_guess(data: TargetData, prior: TargetPrior) -> np.ndarray:
    """A start: prior means, with c and b from the range of the scores."""
    z = prior.mean.copy()
    low, high = np.quantile(data.y, [0.1, 0.9])
    z[C] = min(CEILING, high + 0.25 * (high - low) + 1e-3)
    others = data.x @ discounts(z, data.target, data.x.shape[1])
    z[B] = np.log(max(z[C] - float(np.median(data.y)), 1e-3)) + float(np.median(others))
    return z


def _offsets(z: np.ndarray, data: TargetData) -> np.ndarray:
    return z[C] + z[-data.n_blocks :][data.block] if data.n_blocks else z[C]


def _shortfall(z: np.ndarray, data: TargetData) -> np.ndarray:
    exponent = z[B] - data.x @ discounts(z, data.target, data.x.shape[1])
    return np.exp(np.minimum(exponent, 50.0))  # a trial step that far off is rejected anyway


def _constant_columns(data: TargetData) -> np.ndarray:
    """The Jacobian (n, p) with the columns of c and the blocks; the others wait for z."""
    jacobian = np.zeros((len(data.y), data.n_parameters))
    jacobian[:, C] = 1.0
    if data.n_blocks:
        first = data.n_parameters - data.n_blocks
        jacobian[np.arange(len(data.y)), first + data.block] = 1.0
    return jacobian


def _normal_equations(
    at: _Tried, data: TargetData, prior: TargetPrior, jacobian: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Half the curvature (p, p) of the cost, Gauss–Newton, and half its downhill slope (p,).

    Of the curvature the lower half alone.
    """
    own = FIRST + data.target
    jacobian[:, B] = -at.short
    np.multiply(data.x, at.short[:, None], out=jacobian[:, FIRST : FIRST + data.x.shape[1]])
    jacobian[:, own] *= np.exp(at.z[own])
    normal = dsyrk(1 / prior.variance, jacobian.T, 1.0, prior.precision, lower=True)
    return normal, at.residual @ jacobian / prior.variance - at.drawn


def _step(normal: np.ndarray, pull: np.ndarray, damping: float, pinned: bool) -> np.ndarray:
    first = 1 if pinned else 0  # c comes first
    matrix = normal[first:, first:].copy(order="F")
    np.fill_diagonal(matrix, matrix.diagonal() * (1 + damping))
    step = np.zeros_like(pull)
    _, step[first:], failed = dposv(matrix, pull[first:], lower=True, overwrite_a=True)
    if failed:
        raise LinAlgError("the curvature of a target's fit is not positive definite")
    return step
