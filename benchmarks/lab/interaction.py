from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, solve_triangular
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cotrain.surrogates._base import check_fit, check_predict, constant_columns, warn_constant
from cotrain.surrogates._evidence import Posterior, evidence_posterior, told_by

Array = NDArray[np.float64]
Ints = NDArray[np.intp]


class InteractionSurrogate(RegressorMixin, BaseEstimator):
    """A score as effects of tasks and of a few pairs of tasks: synergy and antagonism.

    g(S) = intercept + sum over i of theta_i + sum over chosen pairs of theta_ij. The tasks' effects
    are those of `LinearSurrogate`; pairs are added one by one, each the one that explains most of
    what the tasks' effects do not, while the extended BIC falls (Chen and Chen 2008, with gamma =
    1): with thousands of candidates some fit by chance, and it charges for the choice.

    Parameters
    ----------
    max_pairs : int, default 10
        Pairs at most.

    Attributes
    ----------
    coef_ : ndarray, shape (n_tasks,)
        Effect of each task by itself; NaN for a task that is in no subset or in all of them.
    pairs_ : ndarray of int, shape (n_pairs, 2)
        Chosen pairs, in the order of choice.
    pair_coef_ : ndarray, shape (n_pairs,)
        What a pair adds to its tasks' effects: positive for synergy.
    intercept_ : float
        Score of the empty subset.
    noise_ : float
        Variance of the noise of a score of weight 1.
    dof_ : float
        Degrees of freedom of the effects' t distribution.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(0, 2, (60, 5))
    >>> y = X @ [1, 0, 0, 2, 0] + 3 * X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=60)
    >>> InteractionSurrogate().fit(X, y).pairs_.tolist()
    [[1, 2]]
    """

    def __init__(self, max_pairs: int = 10) -> None:
        self.max_pairs = max_pairs

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted surrogate; the arguments are those of `LinearSurrogate.fit`."""
        X, y, weight = check_fit(self, X, y, sample_weight)
        if self.max_pairs < 0:
            raise ValueError(f"max_pairs must be at least 0, got {self.max_pairs}")
        constant = constant_columns(X)
        warn_constant(constant)
        self._share, root = weight / weight.sum(), np.sqrt(weight)
        self._x_mean, self._y_mean = self._share @ X, float(self._share @ y)
        rows = root[:, None] * np.where(constant, 0.0, X - self._x_mean)
        scores = root * (y - self._y_mean)

        candidates = _candidate_pairs(X)
        products = X[:, candidates[:, 0]] * X[:, candidates[:, 1]]
        products_mean = self._share @ products
        products = root[:, None] * (products - products_mean)
        free = told_by(rows, np.ones((rows.shape[1], 1)))
        pooled = free.size > 0
        tasks = evidence_posterior(rows, scores, free)
        chosen: Ints = np.array([], dtype=np.intp)
        # Once pairs are known the tasks' effects stand out of less noise, so choose again.
        for _ in range(2):
            whiten = _Whitener(rows, tasks, pooled)
            chosen = _forward(whiten(products), whiten(scores), self.max_pairs, pooled)
            effects, covariance = _least_squares(
                whiten(products[:, chosen]), whiten(scores), tasks.noise
            )
            tasks = evidence_posterior(rows, scores - products[:, chosen] @ effects, free)
        self.pairs_, self.pair_coef_ = candidates[chosen], effects
        self._pair_covariance, self._pair_mean = covariance, products_mean[chosen]
        self._effects, self._squares = tasks.mean, tasks.squares
        self.coef_ = np.where(constant, np.nan, tasks.mean)
        self.intercept_ = float(
            self._y_mean
            - self._x_mean @ np.where(constant, 0.0, tasks.mean)
            - self._pair_mean @ effects
        )
        self.noise_, self.dof_ = tasks.noise, max(tasks.dof - len(chosen), 1.0)
        self._weight_sum = float(weight.sum())
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predicted scores, shape (n_subsets,), and with `return_std` the scale of their error.

        The scale takes the choice of pairs for granted.
        """
        check_is_fitted(self)
        X = check_predict(self, X)
        step = X - self._x_mean
        pairs = X[:, self.pairs_[:, 0]] * X[:, self.pairs_[:, 1]] - self._pair_mean
        mean = self._y_mean + step @ self._effects + pairs @ self.pair_coef_
        if not return_std:
            return mean
        variance = np.einsum("ij,ij->i", step @ self._squares()[0], step)
        variance += np.einsum("ij,ij->i", pairs @ self._pair_covariance, pairs)
        return mean, np.sqrt(variance + self.noise_ / self._weight_sum)


class _Whitener:
    """Takes the tasks' effects, as random effects, and the mean effect out of columns."""

    def __init__(self, rows: Array, tasks: Posterior, pooled: bool) -> None:
        self._sizes = rows.sum(axis=1)
        self._norm = float(self._sizes @ self._sizes) if pooled else np.inf
        Z = self._project(rows)
        covariance = np.eye(len(rows)) + (tasks.prior / tasks.noise) * (Z @ Z.T)
        self._root = cholesky(covariance, lower=True)

    def __call__(self, columns: Array) -> Array:
        return solve_triangular(self._root, self._project(columns), lower=True)

    def _project(self, columns: Array) -> Array:
        along = self._sizes @ columns / self._norm
        return columns - (
            np.outer(self._sizes, along) if columns.ndim == 2 else self._sizes * along
        )


def _candidate_pairs(X: Array) -> Ints:
    """Pairs of tasks that some subsets hold both of, and others only one of."""
    present = (X != 0).astype(np.float64)
    both = present.T @ present
    single = np.diag(both)
    useful = (both >= 2) & (single[:, None] - both >= 1) & (single - both >= 1)
    varying = ~constant_columns(X)
    return np.argwhere(np.triu(useful & varying & varying[:, None], 1))


def _forward(columns: Array, y: Array, max_pairs: int, pooled: bool) -> Ints:
    """Columns chosen one by one while the extended BIC falls."""
    columns, y = columns.copy(), y.copy()
    n_rows, n_columns = columns.shape
    size = np.sum(columns**2, axis=0)
    floor = 1e-8 * size
    charge = np.log(n_rows) + 2 * np.log(max(n_columns, 2))
    # A model that leaves no degrees of freedom always fits.
    limit = min(max_pairs, n_columns, (n_rows - 2 - pooled) // 2)
    chosen: list[int] = []
    while len(chosen) < limit:
        gain = np.where(size > floor, (y @ columns) ** 2 / np.where(size > floor, size, 1), 0.0)
        best = int(np.argmax(gain))
        rss = float(y @ y)
        if gain[best] <= 0 or n_rows * np.log(max(1 - gain[best] / rss, 1e-300)) + charge >= 0:
            break
        chosen.append(best)
        axis = columns[:, best] / np.sqrt(size[best])
        y -= axis * (axis @ y)
        columns -= np.outer(axis, axis @ columns)
        size = np.sum(columns**2, axis=0)
    return np.array(chosen, dtype=np.intp)


def _least_squares(columns: Array, y: Array, noise: float) -> tuple[Array, Array]:
    inverse = np.linalg.inv(columns.T @ columns).astype(np.float64)
    return inverse @ (columns.T @ y), noise * inverse
