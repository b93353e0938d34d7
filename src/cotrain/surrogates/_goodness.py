import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cotrain.arrays import Array
from cotrain.surrogates._scores import average_repeats, check_design, noise_variance, target_design


def lack_of_fit(X: ArrayLike, Y: ArrayLike) -> tuple[Array, Array]:
    """The lack-of-fit test of the linear surrogate against the noise between repeats.

    Whether effects of single tasks are enough to describe the scores of each target: F, what the
    linear model misses in units of what repeats differ by, about 1 if it is adequate; and its
    p-value, (n_tasks,) each. NaN where it cannot be tested: repeats are needed that differ, and
    more subsets than tasks.

    F = (n_repeats * sum over subsets of squared residuals of the means / (n - rank)) / (variance of
    a repeat about its subset): the classical test with pure error (Draper and Smith, Applied
    Regression Analysis, section 2.1). Synergy and antagonism make it large, noise does not.

    Parameters
    ----------
    X : array, shape (n_subsets, n_tasks)
        1 where the subset holds the task, else 0.
    Y : array, shape (n_repeats, n_subsets, n_tasks)
        Scores; NaN where a fit does not score the task.

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
    statistic, p_value = np.full((2, X.shape[1]), np.nan)
    for target in range(X.shape[1]):
        own, y, rows = target_design(X, mean, target)
        root = np.sqrt(counts[rows, target])
        design = root[:, None] * np.column_stack([np.ones(len(y)), own])
        solution, _, rank, _ = np.linalg.lstsq(design, root * y, rcond=None)
        missed, dof = root * y - design @ solution, len(y) - int(rank)
        if noise_dof[target] > 0 and noise[target] > 0 and dof >= 1:
            statistic[target] = missed @ missed / dof / noise[target]
            p_value[target] = stats.f.sf(statistic[target], dof, noise_dof[target])
    return statistic, p_value


def spearman_by_target(predicted: ArrayLike, measured: ArrayLike) -> Array:
    """Spearman correlation over subsets, of two arrays (n_subsets, n_tasks), shape (n_tasks,).

    Entries that are NaN in one of the two do not count. NaN for a target with fewer than 3 entries
    or without any spread.
    """
    return np.array(
        [
            stats.spearmanr(p, m).statistic
            if len(p) > 2 and min(np.ptp(p), np.ptp(m)) > 0
            else np.nan
            for p, m in _known_pairs(predicted, measured)
        ]
    )


def relative_error_by_target(predicted: ArrayLike, measured: ArrayLike) -> Array:
    """Squared error over the variance of the measured scores, for each target."""
    return np.array(
        [
            np.mean((p - m) ** 2) / np.var(m) if len(p) > 2 and np.ptp(m) > 0 else np.nan
            for p, m in _known_pairs(predicted, measured)
        ]
    )


def _known_pairs(predicted: ArrayLike, measured: ArrayLike) -> list[tuple[Array, Array]]:
    predicted, measured = np.asarray(predicted), np.asarray(measured)
    known = ~np.isnan(predicted) & ~np.isnan(measured)
    return [
        (predicted[known[:, target], target], measured[known[:, target], target])
        for target in range(measured.shape[1])
    ]
