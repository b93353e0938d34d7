"""What a group of tasks is worth to each of its members: higher is better."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotrain.means import mean_known

Floats = NDArray[np.float64]
Members = NDArray[np.bool_]


class GroupValue(Protocol):
    """A score for every task of every group: all that a search asks of a model of transfer."""

    @property
    def n_tasks(self) -> int: ...

    def scores(self, groups: Members) -> Floats:
        """Return the scores (n_groups, K) of `groups` (n_groups, K), true where a task is in.

        NaN outside the group, and for a member that the group cannot serve.
        """
        ...


@dataclass(frozen=True, eq=False)
class LinearValue:
    """Return intercept_i + sum of coef_ij over the other members j, for each member i.

    The linear surrogate of arXiv 2303.14582 as a group value; with standard errors the lower
    confidence bound, so that noise is not optimised.

    Parameters
    ----------
    intercept : array, shape (n_tasks,)
        The score of each task alone.
    coef : array, shape (n_tasks, n_tasks)
        Row i, column j: what source j adds to the score of target i. The diagonal is not used.
    coef_se : array, shape (n_tasks, n_tasks), optional
        Standard errors of the coefficients, taken as independent.
    z : float
        The bound is estimate − z · standard error.
    """

    intercept: Floats
    coef: Floats
    coef_se: Floats | None = None
    z: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "intercept", finite_vector("intercept", self.intercept))
        object.__setattr__(self, "coef", without_diagonal("coef", self.coef, self.n_tasks))
        if self.z < 0 or not np.isfinite(self.z):
            raise ValueError(f"z must be finite and at least 0, got {self.z}")
        if self.coef_se is not None:
            error = without_diagonal("coef_se", self.coef_se, self.n_tasks)
            object.__setattr__(self, "coef_se", error)
            if error.min() < 0:
                raise ValueError("standard errors must not be negative")
        elif self.z > 0:
            raise ValueError("z must be 0 without standard errors; give coef_se")

    @property
    def n_tasks(self) -> int:
        return len(self.intercept)

    def scores(self, groups: Members) -> Floats:
        """Return the scores of `groups`, both of shape (n_groups, n_tasks)."""
        member = as_members(groups, self.n_tasks)
        inside = member.astype(float)
        scores = self.intercept + inside @ self.coef.T
        if self.z > 0 and self.coef_se is not None:
            scores -= self.z * np.sqrt(inside @ (self.coef_se**2).T)
        return np.where(member, scores, np.nan)

    def majorant(self) -> "LinearValue":
        """Return a linear value that is at least this one on every group.

        The square root is concave, so it lies above its chord between no source and all sources.
        """
        if self.z == 0 or self.coef_se is None:
            return self
        variance = self.coef_se**2
        whole = np.sqrt(variance.sum(axis=1, keepdims=True))
        chord = np.divide(variance, whole, out=np.zeros_like(variance), where=whole > 0)
        return LinearValue(self.intercept, self.coef - self.z * chord)


@dataclass(frozen=True, eq=False)
class AffinityValue:
    """Return the mean of affinity_ij over the other members j, for each member i.

    The higher-order approximation of Standley et al. (2020) as used by TAG (arXiv 2109.04617).

    Parameters
    ----------
    affinity : array, shape (n_tasks, n_tasks)
        Row: recipient; column: source. The diagonal is not used.
    self_scores : array, shape (n_tasks,), optional
        The score of each task alone, on the scale of the affinity. Without it no group of one.
    """

    affinity: Floats
    self_scores: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "affinity", without_diagonal("affinity", self.affinity))
        if self.self_scores is not None:
            scores = finite_vector("self_scores", self.self_scores, self.n_tasks)
            object.__setattr__(self, "self_scores", scores)

    @property
    def n_tasks(self) -> int:
        return len(self.affinity)

    def scores(self, groups: Members) -> Floats:
        """Return the scores of `groups`, both of shape (n_groups, n_tasks)."""
        member = as_members(groups, self.n_tasks)
        others = member.sum(axis=1, keepdims=True) - 1
        scores = member.astype(float) @ self.affinity.T / np.maximum(others, 1)
        alone = np.nan if self.self_scores is None else self.self_scores
        return np.where(member, np.where(others > 0, scores, alone), np.nan)


@dataclass(frozen=True, eq=False)
class PredictedValue:
    """Return what a fitted model predicts, less z standard errors.

    Any model will do, also one that predicts the same for every group: the simplest grouping is
    then chosen.

    Parameters
    ----------
    predict : callable
        Indicators (n_groups, n_tasks) to scores of the same shape; entries outside the group are
        ignored.
    n_tasks : int
    standard_error : callable, optional
        As `predict`, for the standard error of each score.
    z : float
        The bound is estimate − z · standard error.
    predict_some : callable, optional
        As `predict`, with a mask (n_tasks,) of the tasks whose columns to return: quicker where a
        search asks for those that a group serves.
    """

    predict: Callable[[Members], Floats]
    n_tasks: int
    standard_error: Callable[[Members], Floats] | None = None
    z: float = 0.0
    predict_some: Callable[[Members, Members], Floats] | None = None

    def __post_init__(self) -> None:
        if self.z > 0 and self.standard_error is None:
            raise ValueError(f"z must be 0 without standard_error, got {self.z}")

    def scores(self, groups: Members) -> Floats:
        """Return the scores of `groups`, both of shape (n_groups, n_tasks)."""
        member = as_members(groups, self.n_tasks)
        scores = np.asarray(self.predict(member), dtype=float)
        if scores.shape != member.shape:
            raise ValueError(f"predict must return shape {member.shape}, got {scores.shape}")
        if self.standard_error is not None and self.z > 0:
            scores = scores - self.z * np.asarray(self.standard_error(member), dtype=float)
        return np.where(member, scores, np.nan)


def fill_unknown_pairs(affinity: ArrayLike) -> Floats:
    """Return `affinity` with its unknown pairs filled in, neither for nor against them.

    A pair takes the mean of what its recipient is known to get from other sources; where a
    recipient has no known source, the mean of all known pairs. 0 would say that the two neither
    help nor harm, which nobody saw.

    Parameters
    ----------
    affinity : array, shape (n_tasks, n_tasks)
        Row: recipient; column: source; NaN where unknown. The diagonal is not used.

    The result is NaN on the diagonal alone. A ValueError is raised if no pair is known.

    Examples
    --------
    >>> nan = float("nan")
    >>> fill_unknown_pairs([[nan, 1, 3], [2, nan, nan], [nan, nan, nan]])
    array([[nan,  1.,  3.],
           [ 2., nan,  2.],
           [ 2.,  2., nan]])
    """
    filled = np.array(affinity, dtype=float)
    np.fill_diagonal(filled, np.nan)
    if np.isnan(filled).all():
        raise ValueError("affinity must hold a known pair of tasks, got none; record more steps")
    mean = mean_known(filled, axis=1)
    mean = np.where(np.isnan(mean), np.nanmean(filled), mean)
    filled = np.where(np.isnan(filled), mean[:, None], filled)
    np.fill_diagonal(filled, np.nan)
    return filled


def as_members(groups: ArrayLike, n_tasks: int) -> Members:
    member = np.asarray(groups).astype(bool)
    if member.ndim != 2 or member.shape[1] != n_tasks:
        raise ValueError(f"groups must have shape (n, {n_tasks}), got {member.shape}")
    return member


def without_diagonal(name: str, matrix: ArrayLike, n_tasks: int | None = None) -> Floats:
    """Return a square matrix with a zero diagonal; every other entry must be finite."""
    square = np.array(matrix, dtype=float)
    if square.ndim != 2 or square.shape[0] != square.shape[1] or square.shape[0] == 0:
        raise ValueError(f"{name} must be a square matrix, got shape {square.shape}")
    if n_tasks is not None and len(square) != n_tasks:
        raise ValueError(f"{name} must have shape ({n_tasks}, {n_tasks}), got {square.shape}")
    np.fill_diagonal(square, 0.0)
    if not np.isfinite(square).all():
        row, column = np.argwhere(~np.isfinite(square))[0]
        raise ValueError(
            f"{name} must be finite off the diagonal, got {square[row, column]} at "
            f"[{row}, {column}]; measure that pair, or leave the task out"
        )
    return square


def finite_vector(name: str, vector: ArrayLike, n_tasks: int | None = None) -> Floats:
    values = np.array(vector, dtype=float)
    if values.ndim != 1 or len(values) == 0 or (n_tasks is not None and len(values) != n_tasks):
        expected = "n_tasks" if n_tasks is None else n_tasks
        raise ValueError(f"{name} must have shape ({expected},), got {values.shape}")
    if not np.isfinite(values).all():
        task = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"{name} must be finite, got {values[task]} for task {task}")
    return values
