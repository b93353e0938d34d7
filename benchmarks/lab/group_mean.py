from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from cotrain.surrogates._base import check_fit, check_predict, constant_columns, warn_constant
from cotrain.surrogates._evidence import evidence_posterior

Array = NDArray[np.float64]


class _GroupMean(RegressorMixin, BaseEstimator):
    """The score of a subset as the mean over its members of one value each.

    A task that is in no subset or in all counts for nothing; a subset without members gets the
    intercept.
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted surrogate; the arguments are those of `LinearSurrogate.fit`."""
        X, y, weight = check_fit(self, X, y, sample_weight)
        self._varying = ~constant_columns(X)
        warn_constant(~self._varying)
        self._fit_values(self._shares(X), y, weight)
        self.coef_ = np.where(self._varying, self._values, np.nan)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predicted scores, shape (n_subsets,), and with `return_std` the scale of their error."""
        check_is_fitted(self)
        shares = self._shares(check_predict(self, X))
        mean = self.intercept_ + shares @ self._values
        return (mean, self._std(shares)) if return_std else mean

    def _shares(self, X: Array) -> Array:
        """Each row's members, weighted to sum to 1."""
        if np.any(X < 0):
            raise ValueError(
                f"Negative values in data passed to {type(self).__name__}: X must be indicators"
            )
        members = X * self._varying
        size = members.sum(axis=1, keepdims=True)
        return np.divide(members, size, out=np.zeros_like(members), where=size > 0)

    def _fit_values(self, shares: Array, y: Array, weight: Array) -> None:
        raise NotImplementedError

    def _std(self, shares: Array) -> Array:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.regressor_tags.poor_score = True
        return tags


class AveragingSurrogate(_GroupMean):
    """A score as the mean of its tasks' averages.

    The value of a task is the mean score of the subsets that hold it (arXiv 2306.14009, section
    3); a subset is worth the mean of its members' values.

    Attributes
    ----------
    coef_ : ndarray, shape (n_tasks,)
        Mean score of the subsets with the task, less the mean score; NaN for a task that is in no
        subset or in all of them.
    intercept_ : float
        Mean score.
    noise_ : float
        Mean squared residual.
    dof_ : float
        Number of subsets less one.

    Examples
    --------
    >>> X = [[1, 0], [1, 0], [0, 1], [1, 1]]
    >>> AveragingSurrogate().fit(X, [1.0, 3.0, 0.0, 2.0]).coef_.round(6).tolist()
    [0.5, -0.5]
    """

    def _fit_values(self, shares: Array, y: Array, weight: Array) -> None:
        self.intercept_ = float(weight @ y / weight.sum())
        held = (shares > 0) * weight[:, None]
        total = np.maximum(held.sum(axis=0), np.finfo(float).tiny)
        self._values = np.where(self._varying, held.T @ (y - self.intercept_) / total, 0.0)
        residual = y - self.intercept_ - shares @ self._values
        self.noise_ = float(weight @ residual**2 / weight.sum())
        self.dof_ = float(len(y) - 1)

    def _std(self, shares: Array) -> Array:
        return np.full(len(shares), np.sqrt(self.noise_))


class PairwiseSurrogate(_GroupMean):
    """The higher-order approximation: a score as the mean of the scores of its pairs.

    Standley et al., arXiv 1905.07553, section 3.3: a group of more than two tasks scores for a
    target what its pairs with the target score on average. Here the pairs' scores are estimated
    from subsets of any size, shrunk to their mean as far as the scores' evidence says; where the
    subsets are pairs, they are those pairs' scores.

    Attributes
    ----------
    coef_ : ndarray, shape (n_tasks,)
        Score of the pair of the target and each task, less `intercept_`; NaN for a task that is in
        no subset or in all of them.
    intercept_ : float
        Score of an average pair.
    noise_ : float
        Variance of the noise of a score of weight 1.
    dof_ : float
        Degrees of freedom of the pairs' t distribution.

    Examples
    --------
    >>> X = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]]
    >>> surrogate = PairwiseSurrogate().fit(X, [4.0, 2.0, 0.0, 3.0, 1.0])
    >>> surrogate.predict([[1, 0, 1], [1, 1, 1]]).round(2).tolist()
    [2.0, 2.0]
    """

    def _fit_values(self, shares: Array, y: Array, weight: Array) -> None:
        self._mean = weight @ shares / weight.sum()
        y_mean = weight @ y / weight.sum()
        root = np.sqrt(weight)
        rows, scores = root[:, None] * (shares - self._mean), root * (y - y_mean)
        posterior = evidence_posterior(rows, scores)
        self._values = posterior.mean
        self._squares = posterior.squares
        self.intercept_ = float(y_mean - self._mean @ self._values)
        self.noise_, self.dof_ = posterior.noise, posterior.dof
        self._weight_sum = float(weight.sum())

    def _std(self, shares: Array) -> Array:
        step = shares - self._mean
        variance = np.einsum("ij,ij->i", step @ self._squares()[0], step)
        return np.sqrt(variance + self.noise_ / self._weight_sum)
