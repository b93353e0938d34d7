import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, validate_data

from cotrain.surrogates._errors import DesignWarning

Array = NDArray[np.float64]


def check_fit(
    estimator: BaseEstimator, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Array, Array]:
    """Indicators, scores and weights of the rows with a positive weight.

    Raises
    ------
    ValueError
        If fewer than 4 scores are left, all are the same, all subsets are, or a value is missing.
    """
    checked: Any = validate_data(
        estimator, X, y, dtype=np.float64, ensure_min_samples=4, y_numeric=True
    )
    weight: Array = _check_sample_weight(
        sample_weight, checked[0], dtype=np.float64, ensure_non_negative=True
    )
    used = weight > 0
    rows: Array = checked[0] if used.all() else checked[0][used]
    scores: Array = checked[1][used].astype(np.float64)
    if len(scores) < 4:
        raise ValueError(f"at least 4 scores must have a positive weight, got {len(scores)}")
    if np.ptp(scores) <= 1e-12 * max(1.0, float(np.abs(scores).max())):
        raise ValueError("y must vary, got constant scores; nothing can be told from them")
    if constant_columns(rows).all():
        raise ValueError("X must vary, got the same subset in every row")
    return rows, scores, weight[used]


def check_predict(estimator: BaseEstimator, X: ArrayLike) -> Array:
    """Indicators to predict for, of the width the estimator was fitted to."""
    checked: Array = validate_data(estimator, X, dtype=np.float64, reset=False)
    return checked


def constant_columns(X: Array) -> NDArray[np.bool_]:
    """The tasks that are in all subsets or in none, shape (n_tasks,)."""
    same: NDArray[np.bool_] = (X[0] == X).all(axis=0)
    return same


def warn_constant(constant: NDArray[np.bool_]) -> None:
    """A warning that names the tasks whose effect the subsets do not show."""
    if constant.any():
        tasks = np.flatnonzero(constant).tolist()
        warn(f"tasks {tasks} are in no subset or in all: their effect is unknown")


def warn(message: str) -> None:
    """A `DesignWarning` that points at whoever called `fit`."""
    warnings.warn(message, DesignWarning, stacklevel=5)
