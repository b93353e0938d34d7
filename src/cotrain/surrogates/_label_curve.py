from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Tags

from cotrain.arrays import Array, Bools
from cotrain.surrogates._base import EffectsSurrogate, check_fit
from cotrain.surrogates._evidence import Posterior, evidence_posterior, told_by

# Variance of the curve's bend over that of an effect: nearly free.
BEND_VARIANCE = 3000.0


class LabelCurveSurrogate(EffectsSurrogate):
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

    Attributes are those of `LinearSurrogate`, `coef_` beside what a task's labels bring to all.

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
        n_tasks = X.shape[1]
        self._share_of_labels = self._shares(n_tasks)
        constant = self._fit(X, y, weight)
        scale = np.sqrt(self._share_of_labels)
        self.coef_ = np.where(constant, np.nan, scale * self._effects[:n_tasks])
        self.intercept_ = float(self.predict(np.zeros((1, n_tasks)))[0])
        return self

    def _posterior(self, rows: Array, y: Array, constant: Bools) -> Posterior:
        curve = np.arange(rows.shape[1])[:, None] == constant.size
        return evidence_posterior(rows, y, told_by(rows, curve.astype(np.float64)))

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
        return self._y_mean - float(self.mean_ @ self._effects), self._effects

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
