"""Surrogates whose effects are shrunk towards what gradient affinities foretell (ETAP)."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from cotrain.surrogates._base import check_fit, check_predict, constant_columns
from cotrain.surrogates._evidence import SHARES
from cotrain.surrogates._scores import target_design

Array = NDArray[np.float64]


class PriorSurrogate(RegressorMixin, BaseEstimator):
    """A score as a sum of effects that scatter about lines of what is known of their sources.

    theta_i ~ N(F_i m, tau²), with a flat prior on m; the columns of F are ones and `known`, so that
    the scores decide how much is believed of it. tau² is averaged over by its evidence, as in
    `LinearSurrogate`, which this is without `known`.

    Parameters
    ----------
    known : array, shape (n_tasks,) or (n_tasks, q)
        Such as each source's gradient affinity for the target; NaN counts as their mean.
    """

    def __init__(self, known: ArrayLike | None = None) -> None:
        self.known = known

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted surrogate; the arguments are those of `LinearSurrogate.fit`."""
        X, y, weight = check_fit(self, X, y, sample_weight)
        root, self._mean = np.sqrt(weight), weight @ X / weight.sum()
        self._y_mean = float(weight @ y / weight.sum())
        rows, residual = root[:, None] * (X - self._mean), root * (y - self._y_mean)
        rows[:, constant_columns(X)] = 0.0
        free = self._free(X.shape[1])
        levels = rows @ free
        basis, told, _ = np.linalg.svd(levels, full_matrices=False)
        basis = basis[:, told > 1e-6 * max(told[0], 1e-300)]
        rest, left = rows - basis @ (basis.T @ rows), residual - basis @ (basis.T @ residual)
        U, s, Vt = np.linalg.svd(rest, full_matrices=False)
        kept = s > 1e-8 * max(s[0], 1e-300)
        d, u, V = s[kept] ** 2, left @ U[:, kept], Vt[kept].T
        dof = max(len(X) - 1.0 - basis.shape[1], 1.0)
        effects = V @ _averaged(d, u, float(left @ left), dof) if d.size else np.zeros(X.shape[1])
        effects += free @ np.linalg.lstsq(levels, residual - rows @ effects, rcond=1e-6)[0]
        self.coef_ = effects
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predicted scores, shape (n_subsets,)."""
        step = check_predict(self, X) - self._mean
        return self._y_mean + step @ self.coef_

    def _free(self, n_tasks: int) -> Array:
        ones = np.ones((n_tasks, 1))
        if self.known is None:
            return ones
        known = np.asarray(self.known, dtype=float).reshape(n_tasks, -1)
        known = np.where(np.isnan(known), np.nanmean(known, axis=0), known)
        return np.hstack(
            [ones, (known - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-300)]
        )


def _averaged(d: Array, u: Array, total: float, dof: float) -> Array:
    """Mean effects in the directions of the rows, over penalties by their restricted evidence."""
    penalty = (d.sum() / dof) * (1 - SHARES[:, None]) / SHARES[:, None]
    noise = (max(total - u @ u, 0.0) + (u**2 * penalty / (d + penalty)).sum(axis=1)) / dof
    log_weight = 0.5 * np.log(SHARES * (1 - SHARES)) - 0.5 * (
        np.log1p(d / penalty).sum(axis=1) + dof * np.log(noise)
    )
    weight = np.exp(log_weight - log_weight.max())
    averaged: Array = (weight / weight.sum()) @ (np.sqrt(d) * u / (d + penalty))
    return averaged


def predict_with(X: Array, scores: Array, known: Array | None, new: Array) -> Array:
    """Predictions of every target, (n_new, K), from mean scores (n_subsets, K).

    `known` is (K targets, K sources). NaN for targets of fewer than 4 scores.
    """
    predicted = np.full((len(new), X.shape[1]), np.nan)
    for target in range(X.shape[1]):
        own, y, _ = target_design(X, scores, target)
        if len(y) < 4 or np.ptp(y) == 0:
            continue
        about = (
            None
            if known is None
            else np.where(np.arange(len(known)) == target, np.nan, known[target])
        )
        rows = new.copy()
        rows[:, target] = 1.0
        predicted[:, target] = PriorSurrogate(about).fit(own, y).predict(rows)
    return predicted
