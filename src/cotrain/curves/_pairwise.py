"""EXP3.3 for each pair of target and auxiliary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotrain.curves._forms import Bounds
from cotrain.curves._many import CurveFits, fit_curves


@dataclass(frozen=True, eq=False)
class PairwiseCurves:
    """EXP3.3 of each target and auxiliary.

    Attributes
    ----------
    fits : CurveFits
        The curve of target i beside auxiliary j is number i K + j. There is none for i = j.
    n_tasks : int
        K.
    """

    fits: CurveFits
    n_tasks: int

    def parameter(self, name: str) -> np.ndarray:
        """One parameter of every pair, (K, K): [target, auxiliary], NaN on the diagonal."""
        return self._square(self.fits.parameters[name])

    def at_bound(self, name: str) -> np.ndarray:
        """Whether the parameter ended at a bound, bool (K, K): [target, auxiliary]."""
        return self._square(self.fits.at_bound[name])

    @property
    def exchange_rates(self) -> np.ndarray:
        """Labels of the target that one label of the auxiliary is worth, (K, K), 1 on the diagonal.

        Huge where the target's own discount is next to nothing: see `at_bound("a_own")`.
        """
        rates = self.parameter("a_auxiliary") / self.parameter("a_own")
        np.fill_diagonal(rates, 1.0)
        return rates

    def _square(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(self.n_tasks, self.n_tasks).copy()


def fit_pairwise_curves(
    N: np.ndarray,
    Y: np.ndarray,
    auxiliary: np.ndarray,
    *,
    tasks: Sequence[str] | None = None,
    bounds: Bounds | None = None,
    random_state: Any = 0,
) -> PairwiseCurves:
    """EXP3.3 for each pair, from the fits without an auxiliary and those augmented by the pair's.

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
    bounds : mapping of str to (low, high), optional
        As of `fit_curves`.
    random_state : int or Generator
        Seed of the starts.

    Raises
    ------
    ValueError
        If the shapes do not fit or a score is above the ceiling. A pair that cannot be fitted is
        NaN, with the reason in `fits.reasons`.
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
    rows_of = {j: np.flatnonzero(auxiliary == j) for j in (-1, *range(n_tasks))}
    n_rows = max(
        known[rows_of[-1]].sum(axis=0).max(initial=0) + rows_of[j].size for j in range(n_tasks)
    )
    counts = np.ones((n_tasks, n_tasks, n_rows, 3))
    scores = np.full((n_tasks, n_tasks, n_rows), np.nan)
    for i in range(n_tasks):
        plain = rows_of[-1][known[rows_of[-1], i]]
        for j in range(n_tasks):
            if i != j:
                rows = np.concatenate([plain, rows_of[j]])
                counts[i, j, : rows.size] = pair_counts(N[rows], i, j)
                counts[i, j, rows.size :] = 0
                scores[i, j, : rows.size] = Y[rows, i]
    fits = fit_curves(
        counts.reshape(-1, n_rows, 3), scores.reshape(-1, n_rows), "exp3.3",
        names=[f"{target} beside {other}" for target in names for other in names],
        bounds=bounds, n_starts=2, random_state=random_state,
    )  # fmt: skip
    return PairwiseCurves(fits, n_tasks)


def pair_counts(N: np.ndarray, target: int, auxiliary: int) -> np.ndarray:
    """EXP3.3's counts, (n, 3): own, auxiliary, others without both."""
    own, of_auxiliary = N[:, target], N[:, auxiliary]
    return np.stack([own, of_auxiliary, N.sum(axis=1) - own - of_auxiliary], axis=1)
