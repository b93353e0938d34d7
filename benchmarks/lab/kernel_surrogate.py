from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils.validation import check_is_fitted

from cotrain.surrogates._base import check_fit, check_predict, constant_columns, warn_constant
from cotrain.surrogates._evidence import evidence_posterior

Array = NDArray[np.float64]


class KernelSurrogate(RegressorMixin, BaseEstimator):
    """A score as a smooth function of the subset: ridge regression with an RBF kernel.

    k(S, S') = exp(-gamma |S xor S'|), the number of tasks that only one of the two holds. The
    penalty is averaged by its evidence, as in `LinearSurrogate`.

    Parameters
    ----------
    gamma : float, optional
        1 / n_tasks if not given, the setting known from the literature.

    Attributes
    ----------
    gamma_ : float
        As used.
    noise_ : float
        Variance of the noise of a score of weight 1.
    dof_ : float
        Degrees of freedom of the predictions' t distribution.

    Examples
    --------
    >>> X = [[0, 0], [1, 0], [0, 1], [1, 1]]
    >>> KernelSurrogate().fit(X, [0.0, 1.0, 1.0, 0.0]).predict([[1, 0]]).round(1).tolist()
    [0.6]
    """

    def __init__(self, gamma: float | None = None) -> None:
        self.gamma = gamma

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted surrogate; the arguments are those of `LinearSurrogate.fit`."""
        X, y, weight = check_fit(self, X, y, sample_weight)
        if self.gamma is not None and self.gamma <= 0:
            raise ValueError(f"gamma must be positive, got {self.gamma}")
        warn_constant(constant_columns(X))
        self.gamma_ = 1 / X.shape[1] if self.gamma is None else float(self.gamma)
        self._X, self._share = X, weight / weight.sum()
        kernel = rbf_kernel(X, gamma=self.gamma_)
        self._row_mean = kernel @ self._share
        self._mean = float(self._share @ self._row_mean)
        self._y_mean = float(self._share @ y)
        # Coordinates in which the kernel is an inner product; weights as precisions.
        centred = kernel - self._row_mean - self._row_mean[:, None] + self._mean
        root = np.sqrt(weight)
        d, U = eigh(root[:, None] * centred * root, driver="evd")
        kept = d > d[-1] * len(d) * 1e-14
        self._axes = root[:, None] * U[:, kept] / np.sqrt(d[kept])
        coordinates = U[:, kept] * np.sqrt(d[kept])
        posterior = evidence_posterior(coordinates, root * (y - self._y_mean))
        self._effects, self._squares = posterior.mean, posterior.squares
        self._prior = posterior.prior
        self.noise_, self.dof_ = posterior.noise, posterior.dof
        self._weight_sum = float(weight.sum())
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predicted scores, shape (n_subsets,), and with `return_std` the scale of their error."""
        check_is_fitted(self)
        kernel = rbf_kernel(check_predict(self, X), self._X, gamma=self.gamma_)
        own = kernel @ self._share
        step = (kernel - own[:, None] - self._row_mean + self._mean) @ self._axes
        mean = self._y_mean + step @ self._effects
        if not return_std:
            return mean
        # What no training subset tells keeps the variance it had before the scores.
        unseen = np.maximum(1 - 2 * own + self._mean - np.sum(step**2, axis=1), 0.0)
        variance = np.einsum("ij,ij->i", step @ self._squares()[0], step) + self._prior * unseen
        return mean, np.sqrt(variance + self.noise_ / self._weight_sum)
