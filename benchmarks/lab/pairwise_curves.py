"""EXP3.3 of arXiv 2512.24866, pair by pair: what one task's labels are worth to another.

The transfer model asks the same of all fits at once, is nearer on fits that it has not seen, and
tells intervals (docs/results/curves.md).
"""

from collections.abc import Sequence

import numpy as np

from cotrain.curves import CurveFits, fit_curves
from lab.curve_shapes import EXP33


def fit_pairwise_curves(
    N: np.ndarray,
    Y: np.ndarray,
    auxiliary: np.ndarray,
    *,
    tasks: Sequence[str] | None = None,
    random_state: int | np.random.Generator = 0,
) -> CurveFits:
    """EXP3.3 for each pair, from the fits without an auxiliary and those augmented by the pair's.

    The curve of target i beside auxiliary j is number i K + j. There is none for i = j.

    Parameters
    ----------
    N : ndarray, (n_fits, K)
        Labels of each task that each fit was trained on.
    Y : ndarray, (n_fits, K)
        Scores; NaN where a fit does not score a task.
    auxiliary : ndarray of int, (n_fits,)
        The task that a fit has one fold more of; -1 for none (single tasks, levels, subsets).
    tasks : sequence of str, optional
        Names for messages.
    random_state
        As of `fit_curves`, which says as well what is refused and what is NaN.
    """
    N, Y = np.asarray(N, dtype=float), np.asarray(Y, dtype=float)
    auxiliary = np.asarray(auxiliary)
    if N.ndim != 2 or Y.shape != N.shape or auxiliary.shape != (len(N),):
        raise ValueError(
            "N and Y must have shape (n_fits, K) and auxiliary (n_fits,), "
            f"got {N.shape}, {Y.shape} and {auxiliary.shape}"
        )
    n_tasks = N.shape[1]
    names = tuple(tasks) if tasks is not None else tuple(f"task {i}" for i in range(n_tasks))
    known = np.isfinite(Y)
    plain = np.flatnonzero(auxiliary == -1)
    augmented = [np.flatnonzero(auxiliary == j) for j in range(n_tasks)]
    most = max(map(len, augmented))
    n_rows = int(known[plain].sum(axis=0).max(initial=0)) + most
    counts = np.zeros((n_tasks, n_tasks, n_rows, 3))
    scores = np.full((n_tasks, n_tasks, n_rows), np.nan)
    for i in range(n_tasks):
        alone = plain[known[plain, i]]
        for j in range(n_tasks):
            if i != j:
                rows = np.concatenate([alone, augmented[j]])
                counts[i, j, : rows.size] = pair_counts(N[rows], i, j)
                scores[i, j, : rows.size] = Y[rows, i]
    return fit_curves(
        counts.reshape(-1, n_rows, 3), scores.reshape(-1, n_rows), EXP33,
        names=[f"{target} beside {other}" for target in names for other in names],
        n_starts=2, random_state=random_state,
    )  # fmt: skip


def pair_counts(N: np.ndarray, target: int, auxiliary: int) -> np.ndarray:
    """EXP3.3's counts, (n, 3): own, auxiliary, others without both."""
    own, of_auxiliary = N[:, target], N[:, auxiliary]
    return np.stack([own, of_auxiliary, N.sum(axis=1) - own - of_auxiliary], axis=1)
