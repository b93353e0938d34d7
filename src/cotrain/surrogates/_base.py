import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from cotrain.arrays import Array
from cotrain.surrogates._evidence import Posterior
from cotrain.surrogates._scores import DesignWarning


class EffectsSurrogate(RegressorMixin, BaseEstimator):
    """A score as effects of features of the subset, which `_posterior` tells from scores.

    Attributes are those of `LinearSurrogate`, `mean_` being that of the features.
    """

    def features(self, X: Array) -> Array:
        """What has effects, the indicators first: (n_subsets, n_features)."""
        return X

    def _posterior(self, rows: Array, y: Array, constant: NDArray[np.bool_]) -> Posterior:
        """The effects of centred and weighted rows on standardised scores."""
        raise NotImplementedError

    def _fit(self, X: Array, y: Array, weight: Array) -> NDArray[np.bool_]:
        """Find the effects; return which tasks are in all subsets or in none, (n_tasks,)."""
        self.weight_sum_ = float(weight.sum())
        constant, design, root = constant_columns(X), self.features(X), np.sqrt(weight)
        self.mean_ = weight @ design / weight.sum()
        self._y_mean = weight @ y / weight.sum()
        residual = y - self._y_mean
        self._scale = np.sqrt(weight @ residual**2 / weight.sum())
        rows = design - self.mean_
        # A constant column is 0 but for rounding, which the model must not see.
        rows[:, : X.shape[1]][:, constant] = 0.0
        rows *= root[:, None]
        posterior = self._posterior(rows, root * residual / self._scale, constant)
        self._effects, self._squares = posterior.mean * self._scale, posterior.squares
        self.noise_, self.dof_ = float(posterior.noise * self._scale**2), float(posterior.dof)
        warn_constant(constant)
        return constant

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predicted scores, shape (n_subsets,), and with `return_std` the scale of their error.

        The scale is that of the noise-free score's t distribution with `dof_` degrees of freedom.
        """
        check_is_fitted(self)
        step = self.features(check_predict(self, X)) - self.mean_
        mean = self._y_mean + step @ self._effects
        if not return_std:
            return mean
        variance = np.einsum("ij,ij->i", step @ self.squares()[0], step)
        return mean, np.sqrt(variance + self.noise_ / self.weight_sum_)

    def squares(self) -> tuple[Array, Array]:
        """Squared scale of the effects' t distribution, and their filter, both square.

        The effects are the filter times the centred features' weighted products with the scores.
        """
        check_is_fitted(self)
        covariance, seen = self._squares()
        return covariance * self._scale**2, seen


def check_fit(
    estimator: BaseEstimator, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Array, Array]:
    """Indicators, scores and weights of the rows with a positive weight, if they tell anything."""
    rows, scores, weight = _checked(estimator, X, y, sample_weight)
    used = weight > 0
    rows, scores = rows if used.all() else rows[used], scores[used].astype(np.float64)
    if len(scores) < 4:
        raise ValueError(f"at least 4 scores must have a positive weight, got {len(scores)}")
    if np.ptp(scores) <= 1e-12 * max(1.0, float(np.abs(scores).max())):
        raise ValueError("y must vary, got constant scores; nothing can be told from them")
    if constant_columns(rows).all():
        raise ValueError("X must vary, got the same subset in every row")
    return rows, scores, weight[used]


def check_predict(estimator: BaseEstimator, X: ArrayLike) -> Array:
    """Indicators to predict for, of the width the estimator was fitted to."""
    if _is_sound(estimator, X) and np.shape(X)[1] == estimator.n_features_in_:
        return np.asarray(X)
    return validate_data(estimator, X, dtype=np.float64, reset=False)


def _checked(
    estimator: BaseEstimator, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Array, Array]:
    """What `fit` is given, after scikit-learn's checks.

    They take longer than the fit of few subsets does: arrays that are sound are not put to them.
    """
    if _is_sound(estimator, X, y, sample_weight):
        rows, scores, weight = np.asarray(X), np.asarray(y), np.asarray(sample_weight)
        if 4 <= len(rows) == len(scores) == len(weight) and rows.shape[1] and weight.min() >= 0:
            estimator.n_features_in_ = rows.shape[1]
            return rows, scores, weight
    checked: Any = validate_data(
        estimator, X, y, dtype=np.float64, ensure_min_samples=4, y_numeric=True
    )
    weight = _check_sample_weight(
        sample_weight, checked[0], dtype=np.float64, ensure_non_negative=True
    )
    return checked[0], checked[1], weight


def _is_sound(estimator: BaseEstimator, matrix: Any, *vectors: Any) -> bool:
    """Whether these are arrays of finite numbers, and the estimator knows no names of columns."""
    return not hasattr(estimator, "feature_names_in_") and all(
        type(values) is np.ndarray
        and values.dtype == np.float64
        and values.ndim == n_axes
        and bool(np.isfinite(values).all())
        for n_axes, values in ((2, matrix), *((1, vector) for vector in vectors))
    )


def constant_columns(X: Array) -> NDArray[np.bool_]:
    """The tasks that are in all subsets or in none, shape (n_tasks,)."""
    return (X[0] == X).all(axis=0)


def warn_constant(constant: NDArray[np.bool_]) -> None:
    """A warning that names the tasks whose effect the subsets do not show."""
    if constant.any():
        tasks = np.flatnonzero(constant).tolist()
        warn(f"tasks {tasks} are in no subset or in all: their effect is unknown")


def warn(message: str) -> None:
    """A `DesignWarning` that points at whoever called `fit`."""
    warnings.warn(message, DesignWarning, stacklevel=5)
