import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotrain.arrays import Array


class DesignWarning(UserWarning):
    """The subsets cannot tell all that is asked of them; the message says what they cannot."""


def check_indicators(X: ArrayLike) -> Array:
    """X as floats, shape (n_subsets, n_tasks), after checking that every value is 0 or 1."""
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"X must have the shape (n_subsets, n_tasks), got {X.shape}")
    if not np.isin(X, (0, 1)).all():
        raise ValueError("X must hold 0 and 1 alone: is the task in the subset or not")
    return X


def check_design(X: ArrayLike, Y: ArrayLike) -> tuple[Array, Array, Array]:
    """The indicators, the scores averaged over repeats, and the number of repeats behind each.

    All are (n_subsets, n_tasks); Y may have an axis of repeats before. Warns of subsets that are
    listed twice, and of tasks in none or in all.
    """
    X = check_indicators(X)
    Y = np.asarray(Y, dtype=np.float64)
    if Y.ndim not in (2, 3) or Y.shape[-2:] != X.shape:
        raise ValueError(
            f"Y must have the shape {X.shape} of X, with the repeats before it if there are any, "
            f"got {Y.shape}"
        )
    if np.isinf(Y).any():
        raise ValueError("Y must be finite, or NaN where a fit does not score a task, got inf")
    if np.isnan(Y).all():
        raise ValueError("Y must hold scores, got NaN alone")
    _, first = np.unique(X, axis=0, return_index=True)
    if len(first) < len(X):
        repeated = sorted(set(range(len(X))) - set(first.tolist()))
        _warn(
            f"rows {_few(repeated)} of X are subsets listed before; hand repeats over as the "
            f"first axis of Y, or their common noise is taken for evidence"
        )
    for what, n_subsets in (("no subset", 0), ("every subset", len(X))):
        if tasks := np.flatnonzero(X.sum(axis=0) == n_subsets).tolist():
            _warn(f"tasks {_few(tasks)} are in {what}: their effect is unknown")
    mean, counts = average_repeats(Y if Y.ndim == 3 else Y[None])
    return X, mean, counts


def average_repeats(Y: Array) -> tuple[Array, Array]:
    """Scores averaged over repeats, and the number of repeats behind each.

    A repeat shares its seed and its evaluation folds among all subsets, so it is first moved to
    the common level: otherwise a subset with a repeat missing would look better or worse for it.
    Y is (n_repeats, n_subsets, n_tasks), NaN where there is no score; both results are
    (n_subsets, n_tasks), the mean NaN where the count is 0.
    """
    known = ~np.isnan(Y)
    counts = known.sum(axis=0)
    present = known.any(axis=1, keepdims=True)  # (n_repeats, 1, n_tasks)
    n_present = np.maximum(present.sum(axis=0), 1)
    repeat = np.zeros((len(Y), 1, Y.shape[2]))
    complete = bool(np.all((counts == 0) | (counts == len(Y))))
    # Alternating least squares: one sweep is exact where every subset has every repeat.
    for _ in range(1 if complete else 50):
        subset = _mean(Y - repeat, known, 0)
        repeat = _mean(Y - subset, known, 1)
        repeat = np.where(present, repeat - repeat.sum(0, where=present) / n_present, 0.0)
    mean = _mean(Y - repeat, known, 0)[0]
    return np.where(counts > 0, mean, np.nan), counts.astype(np.float64)


def noise_variance(Y: Array) -> tuple[Array, Array]:
    """Variance of a repeat's score about the subset's own, and its degrees of freedom, (n_tasks,).

    From what repeats of Y (n_repeats, n_subsets, n_tasks) differ in once the common shift of each
    is removed; NaN and 0 where no subset has two of them.
    """
    known = ~np.isnan(Y)
    twice = known & (known.sum(axis=0) > 1)
    Y = np.where(twice, Y, np.nan)
    residual = np.where(twice, Y - average_repeats(Y)[0], 0.0)
    residual -= _mean(residual, twice, 1) * twice
    n_subsets = twice.any(axis=0).sum(axis=0)
    n_repeats = twice.any(axis=1).sum(axis=0)
    dof = np.maximum(twice.sum(axis=(0, 1)) - n_subsets - n_repeats + 1, 0).astype(np.float64)
    variance = np.sum(residual**2, axis=(0, 1)) / np.where(dof > 0, dof, np.nan)
    return variance, dof


def target_design(X: Array, scores: Array, target: int) -> tuple[Array, Array, NDArray[np.intp]]:
    """Indicators and scores of the subsets that score the target, and their row numbers.

    The target's own indicator is 1 throughout: its score on subset S is f_t(S with t).
    """
    rows = np.flatnonzero(~np.isnan(scores[:, target]))
    own = X[rows]
    own[:, target] = 1.0
    return own, scores[rows, target], rows


def paired_effects(subset_scores: ArrayLike, single_scores: ArrayLike) -> Array:
    """Gain of each subset over the single-task fit of the same repeat, f_t(S) - f_t(empty).

    Parameters
    ----------
    subset_scores : array, shape (n_repeats, n_subsets, n_tasks)
        NaN where a fit does not score the task.
    single_scores : array, shape (n_repeats, n_tasks)
        NaN where there is no single-task fit.

    Returns
    -------
    ndarray, shape (n_repeats, n_subsets, n_tasks)
        NaN where one of the two is.

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    subsets = np.asarray(subset_scores, dtype=np.float64)
    single = np.asarray(single_scores, dtype=np.float64)
    if subsets.ndim != 3 or single.shape != (subsets.shape[0], subsets.shape[2]):
        raise ValueError(
            f"scores must have the shapes (n_repeats, n_subsets, n_tasks) and (n_repeats, "
            f"n_tasks), got {subsets.shape} and {single.shape}"
        )
    return subsets - single[:, None, :]


def _mean(values: Array, known: NDArray[np.bool_], axis: int) -> Array:
    total = np.where(known, values, 0.0).sum(axis=axis, keepdims=True)
    return total / np.maximum(known.sum(axis=axis, keepdims=True), 1)


def _few(numbers: list[int]) -> str:
    return f"{numbers[:10]}{f' and {len(numbers) - 10} more' if len(numbers) > 10 else ''}"


def _warn(message: str) -> None:
    warnings.warn(message, DesignWarning, stacklevel=4)
