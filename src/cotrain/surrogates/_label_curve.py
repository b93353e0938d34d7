from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from cotrain.surrogates._base import check_fit, check_predict, constant_columns, warn_constant
from cotrain.surrogates._evidence import evidence_posterior, tells

Array = NDArray[np.float64]

# Variance of the curve's bend over that of an effect: nearly free.
BEND_VARIANCE = 3000.0


class LabelCurveSurrogate(RegressorMixin, BaseEstimator):
    """A score as effects of tasks on top of a curve of the number of labels.

    g(S) = intercept + sum over i in S of theta_i + a log(1 + N) + b / (1 + N), with N the labels of
    the members over the mean of all tasks. What more labels bring to any target falls with each
    task added, which a sum of effects cannot say; the effects are then what sets a source apart.
    Before the scores are seen their variance is proportional to a source's labels, a is free, and
    b nearly. The penalty is averaged by its evidence, as in `LinearSurrogate`.

    Parameters
    ----------
    n_labels : array, shape (n_tasks,), optional
        Training labels of each task; all alike if not given, so that N counts members.

    Attributes
    ----------
    coef_ : ndarray, shape (n_tasks,)
        Effect of each task beside what its labels bring to all; NaN for a task that is in no subset
        or in all of them.
    intercept_ : float
        Score of the empty subset.
    noise_ : float
        Variance of the noise of a score of weight 1.
    dof_ : float
        Degrees of freedom of the predictions' t distribution.

    Examples
    --------
    >>> X = [[0, 0], [1, 0], [0, 1], [1, 1], [1, 1]]
    >>> surrogate = LabelCurveSurrogate([300, 100]).fit(X, [0.0, 2.0, 1.0, 2.4, 2.4])
    >>> surrogate.predict([[1, 0]]).round(0).tolist()
    [2.0]
    """

    def __init__(self, n_labels: ArrayLike | None = None) -> None:
        self.n_labels = n_labels

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted surrogate; the arguments are those of `LinearSurrogate.fit`."""
        X, y, weight = check_fit(self, X, y, sample_weight)
        self._share_of_labels = self._shares(X.shape[1])
        constant = constant_columns(X)
        warn_constant(constant)
        design = self.features(X)
        share, root = weight / weight.sum(), np.sqrt(weight)
        self._mean, self._y_mean = share @ design, float(share @ y)
        rows = design - self._mean
        rows[:, : X.shape[1]][:, constant] = 0.0
        rows *= root[:, None]
        curve = np.arange(rows.shape[1]) == X.shape[1]
        free = curve.astype(np.float64) if tells(rows, curve) else None
        posterior = evidence_posterior(rows, root * (y - self._y_mean), free)
        self._effects, self._squares = posterior.mean, posterior.squares
        scale = np.sqrt(self._share_of_labels)
        self.coef_ = np.where(constant, np.nan, scale * posterior.mean[: X.shape[1]])
        self.noise_, self.dof_ = posterior.noise, posterior.dof
        self.weight_sum_ = float(weight.sum())
        self.intercept_ = float(self.predict(np.zeros((1, X.shape[1])))[0])
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predicted scores, shape (n_subsets,), and with `return_std` the scale of their error."""
        check_is_fitted(self)
        step = self.features(check_predict(self, X)) - self._mean
        mean = self._y_mean + step @ self._effects
        if not return_std:
            return mean
        variance = np.einsum("ij,ij->i", step @ self._squares()[0], step)
        return mean, np.sqrt(variance + self.noise_ / self.weight_sum_)

    def _shares(self, n_tasks: int) -> Array:
        """Labels of each task over their mean."""
        if self.n_labels is None:
            return np.ones(n_tasks)
        n_labels: Array = np.asarray(self.n_labels, dtype=np.float64)
        if n_labels.shape != (n_tasks,) or not (n_labels.min() >= 0 < n_labels.max()):
            raise ValueError(
                f"n_labels must be {n_tasks} numbers, one a task, none negative and not all 0, "
                f"got {self.n_labels!r}"
            )
        return n_labels / n_labels.mean()

    def shared(self) -> tuple[float, Array]:
        """An offset, and the effects (K + 2,) of `features` that are added to it."""
        return self._y_mean - float(self._mean @ self._effects), self._effects

    def features(self, X: Array) -> Array:
        """Indicators by the root of their labels, the curve and its bend: K + 2 columns."""
        if np.any(X < 0):
            raise ValueError(
                f"Negative values in data passed to {type(self).__name__}: X must be indicators"
            )
        labels = 1 + X @ self._share_of_labels
        members = X * np.sqrt(self._share_of_labels)
        return np.column_stack([members, np.log(labels), np.sqrt(BEND_VARIANCE) / labels])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
