import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from cotrain.arrays import Array
from cotrain.surrogates._base import check_fit, check_predict, constant_columns
from cotrain.surrogates._goodness import relative_error_by_target
from cotrain.surrogates._scores import DesignWarning, check_design
from cotrain.surrogates._targets import fit_surrogates

# The name of the mean: no surrogate tells more than that.
NONE = "none"
N_SPLITS = 5
"""Parts of the cross-validation; subsets that are listed twice stay in one part."""


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
        self.weight_sum_ = float(weight.sum())
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predicted scores, shape (n_subsets,), and with `return_std` the scale of their error."""
        check_is_fitted(self)
        n_rows = len(check_predict(self, X))
        mean = np.full(n_rows, self.intercept_)
        if not return_std:
            return mean
        return mean, np.full(n_rows, np.sqrt(self.noise_ / self.weight_sum_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


@dataclass(frozen=True)
class SurrogateChoice:
    """Which surrogate predicts held-out subsets best.

    Attributes
    ----------
    name : str
        Of the chosen one; "none" if it is the mean, which no candidate beats.
    estimator : estimator
        The chosen one, not fitted.
    error : dict of ndarray, shape (n_tasks,)
        For each surrogate, squared error of held-out scores over their variance, by target: 1 is
        no better than the mean; NaN where a target has too few scores.
    """

    name: str
    estimator: BaseEstimator
    error: dict[str, Array]


def choose_surrogate(
    X: ArrayLike, Y: ArrayLike, candidates: Mapping[str, BaseEstimator]
) -> SurrogateChoice:
    """The surrogate with the least cross-validated error, one for all targets.

    An earlier candidate is preferred while its error is within one standard error, over targets,
    of the best one's (Breiman et al. 1984): what is not clearly better is not worth more
    parameters. The mean, called "none", is always the first candidate.

    Parameters
    ----------
    X, Y : arrays
        As of `relevance`.
    candidates : mapping of estimators
        The simplest first.

    Raises
    ------
    ValueError
        If there are no candidates, or not enough subsets to hold a part of them out.
    """
    if not candidates:
        raise ValueError("candidates must hold at least one surrogate, got none")
    candidates = {NONE: MeanSurrogate(), **candidates}
    X, mean, _ = check_design(X, Y)
    part = _parts(X)
    predicted = {name: np.full(X.shape, np.nan) for name in candidates}
    scores = np.asarray(Y, dtype=np.float64)
    with warnings.catch_warnings():
        # The whole design was checked above; a part lacks a little more.
        warnings.simplefilter("ignore", DesignWarning)
        for test in (part == number for number in range(N_SPLITS)):
            for name, estimator in candidates.items():
                models = fit_surrogates(X[~test], scores[..., ~test, :], estimator)
                predicted[name][test] = models.predict(X[test])
    error = {name: relative_error_by_target(values, mean) for name, values in predicted.items()}
    name = _simplest(error)
    return SurrogateChoice(name, candidates[name], error)


def _parts(X: Array) -> NDArray[np.intp]:
    """Number of the part each subset belongs to; the same subset is always in the same part."""
    distinct, which = np.unique(X, axis=0, return_inverse=True)
    if len(distinct) < N_SPLITS:
        raise ValueError(f"X must have {N_SPLITS} distinct subsets at least, got {len(distinct)}")
    part = np.arange(len(distinct)) % N_SPLITS
    return np.random.default_rng(0).permutation(part)[which.ravel()]


def _simplest(error: dict[str, Array]) -> str:
    """The first candidate that the best one does not beat by more than a standard error."""
    known = ~np.isnan(np.stack(list(error.values()))).any(axis=0)
    if not known.any():
        raise ValueError("Y must hold enough scores of some target to compare surrogates on")
    best = min(error.values(), key=lambda values: float(values[known].mean()))
    for name, values in error.items():
        excess = values[known] - best[known]
        spread = excess.std(ddof=1) / np.sqrt(len(excess)) if len(excess) > 1 else 0.0
        if excess.mean() <= spread:
            return name
    raise AssertionError("the best candidate does not exceed itself")
