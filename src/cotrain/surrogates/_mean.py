from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from cotrain.surrogates._base import check_fit, check_predict, constant_columns


class MeanSurrogate(RegressorMixin, BaseEstimator):
    """A score as the mean score: no task matters. What any other surrogate has to beat.

    Attributes
    ----------
    coef_ : ndarray, shape (n_tasks,)
        0; NaN for a task that is in no subset or in all of them.
    intercept_ : float
        Mean score.
    noise_ : float
        Variance of a score of weight 1 about it.
    dof_ : float
        Number of subsets less one.

    Examples
    --------
    >>> X = [[1, 0], [1, 0], [0, 1], [1, 1]]
    >>> MeanSurrogate().fit(X, [1.0, 3.0, 0.0, 2.0]).predict([[1, 1]]).tolist()
    [1.5]
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted surrogate; the arguments are those of `LinearSurrogate.fit`."""
        X, y, weight = check_fit(self, X, y, sample_weight)
        self.coef_ = np.where(constant_columns(X), np.nan, 0.0)
        self.intercept_ = float(weight @ y / weight.sum())
        self.dof_ = float(len(y) - 1)
        self.noise_ = float(weight @ (y - self.intercept_) ** 2 / self.dof_)
        self._weight_sum = float(weight.sum())
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predicted scores, shape (n_subsets,), and with `return_std` the scale of their error."""
        check_is_fitted(self)
        n_rows = len(check_predict(self, X))
        mean = np.full(n_rows, self.intercept_)
        if not return_std:
            return mean
        return mean, np.full(n_rows, np.sqrt(self.noise_ / self._weight_sum))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags
