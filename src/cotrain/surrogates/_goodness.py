from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cotrain.surrogates._scores import average_repeats, check_design, noise_variance, target_design

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LackOfFit:
    """Whether effects of single tasks are enough to describe the scores, for each target.

    Attributes
    ----------
    statistic : ndarray, shape (n_tasks,)
        F: what the linear model misses, in units of what repeats differ by; about 1 if it is
        adequate, NaN if it cannot be tested.
    p_value : ndarray, shape (n_tasks,)
        Of a linear truth.
    inadequate : ndarray of bool, shape (n_tasks,)
        Linear models rejected at the false discovery rate `fdr`.
    overall_p_value : float
        Of linear truths for all targets at once: what each target alone is too noisy to show. By
        the Cauchy combination (Liu and Xie 2020), which allows for the fits that targets share.
    reasons : tuple of length n_tasks
        Why a target cannot be tested, else "".
    fdr : float
        As asked for.
    """

    statistic: Array
    p_value: Array
    inadequate: NDArray[np.bool_]
    overall_p_value: float
    reasons: tuple[str, ...]
    fdr: float


def lack_of_fit(X: ArrayLike, Y: ArrayLike, fdr: float = 0.05) -> LackOfFit:
    """The lack-of-fit test of the linear surrogate against the noise between repeats.

    F = (n_repeats * sum over subsets of squared residuals of the means / (n - rank)) / (variance of
    a repeat about its subset): the classical test with pure error (Draper and Smith, Applied
    Regression Analysis, section 2.1). Synergy and antagonism make it large, noise does not.

    Parameters
    ----------
    X : array, shape (n_subsets, n_tasks)
        1 where the subset holds the task, else 0.
    Y : array, shape (n_repeats, n_subsets, n_tasks)
        Scores; NaN where a fit does not score the task.
    fdr : float
        Rate of false rejections among the rejected targets (Benjamini and Hochberg).

    Raises
    ------
    ValueError
        If Y has no axis of repeats, or X and Y do not fit each other.
    """
    Y = np.asarray(Y, dtype=np.float64)
    if Y.ndim != 3:
        raise ValueError(f"Y must have the shape (n_repeats, n_subsets, n_tasks), got {Y.shape}")
    X, _, _ = check_design(X, Y)
    mean, counts = average_repeats(Y)
    noise, noise_dof = noise_variance(Y)
    n_tasks = X.shape[1]
    statistic = np.full(n_tasks, np.nan)
    p_value = np.full(n_tasks, np.nan)
    reasons = [""] * n_tasks
    for target in range(n_tasks):
        own, y, rows = target_design(X, mean, target)
        missed, dof = _missed(own, y, counts[rows, target])
        if not noise_dof[target] > 0 or not noise[target] > 0:
            reasons[target] = "needs repeats that differ, to know the noise"
        elif dof < 1:
            reasons[target] = f"{len(y)} subsets leave nothing to test the linear model with"
        else:
            statistic[target] = missed / dof / noise[target]
            p_value[target] = stats.f.sf(statistic[target], dof, noise_dof[target])
    known = ~np.isnan(p_value)
    inadequate = np.zeros(n_tasks, dtype=bool)
    if known.any():
        inadequate[known] = stats.false_discovery_control(p_value[known]) <= fdr
    overall = _cauchy_combination(p_value[known])
    return LackOfFit(statistic, p_value, inadequate, overall, tuple(reasons), fdr)


def _cauchy_combination(p_values: Array) -> float:
    if not len(p_values):
        return np.nan
    # Away from 0 and 1, where the tangent overflows.
    mean = float(np.mean(stats.cauchy.isf(np.clip(p_values, 1e-15, 1 - 1e-15))))
    return float(stats.cauchy.sf(mean))


def _missed(X: Array, y: Array, weight: Array) -> tuple[float, int]:
    """Weighted sum of squares that least squares leaves, and its degrees of freedom."""
    if len(y) == 0:
        return np.nan, 0
    root = np.sqrt(weight)
    design = root[:, None] * np.column_stack([np.ones(len(y)), X])
    solution, _, rank, _ = np.linalg.lstsq(design, root * y, rcond=None)
    residual = root * y - design @ solution
    return float(residual @ residual), len(y) - int(rank)
