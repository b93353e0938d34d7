import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone

from cotrain.arrays import Array
from cotrain.surrogates._label_curve import LabelCurveSurrogate
from cotrain.surrogates._linear import LinearSurrogate
from cotrain.surrogates._scores import DesignWarning, check_design, check_indicators, target_design


@dataclass(frozen=True)
class TargetSurrogates:
    """One surrogate for each target, fitted to the same subsets.

    Attributes
    ----------
    estimators : tuple of length n_tasks
        The fitted surrogate of each target, or None where there is none.
    n_together : ndarray, shape (n_tasks, n_tasks)
        Number of subsets that score the target (row) with the source (column) in them.
    """

    estimators: tuple[Any, ...]
    n_together: NDArray[np.int64]

    @property
    def coef(self) -> Array:
        """Effect of each source (column) on each target (row), NaN where it is unknown."""
        unknown = np.full(len(self.estimators), np.nan)
        coef = np.array([unknown if one is None else one.coef_ for one in self.estimators])
        np.fill_diagonal(coef, np.nan)
        return coef

    @property
    def intercept(self) -> Array:
        """Score of each target trained alone, as the surrogates see it, shape (n_tasks,)."""
        return np.array([getattr(one, "intercept_", np.nan) for one in self.estimators])

    @property
    def dof(self) -> Array:
        """Degrees of freedom behind each target's standard errors, shape (n_tasks,)."""
        return np.array([getattr(one, "dof_", np.nan) for one in self.estimators])

    def predict(self, X: ArrayLike) -> Array:
        """Predicted scores, shape (n_subsets, n_tasks), of every target added to every subset."""
        return self._said(X, lambda model, rows: model.predict(rows))

    def member_predictor(self, alone: ArrayLike = np.nan) -> Callable[..., Array]:
        """A quick `predict` for the members of each subset; other entries mean nothing.

        Surrogates whose features all targets share are evaluated together: a search asks for
        hundreds of thousands of scores. A second argument, a mask of the targets, leaves the
        others' columns out. `alone` (n_tasks,) are the scores of targets without a surrogate.
        """
        known = np.array([one is not None for one in self.estimators])
        every, first = np.ones(len(known), dtype=bool), self.estimators[known.argmax()]
        if not all(isinstance(one, LabelCurveSurrogate | None) for one in self.estimators):
            return lambda X, targets=every: np.where(known, self.predict(X), alone)[:, targets]
        offsets, columns = zip(*((one or first).shared() for one in self.estimators), strict=True)
        offset = np.where(known, offsets, alone)
        effects = np.where(known, np.stack(columns, axis=1), 0.0)

        def predict(X: ArrayLike, targets: NDArray[np.bool_] = every) -> Array:
            rows = np.asarray(X, dtype=np.float64).reshape(-1, len(known))
            chosen = effects if targets.all() else effects[:, targets]
            return offset[targets] + first.features(rows) @ chosen

        return predict

    def predict_std(self, X: ArrayLike) -> Array:
        """Scale of the error of `predict` against the noise-free scores; same shape."""
        return self._said(X, lambda model, rows: model.predict(rows, return_std=True)[1])

    def _said(self, X: ArrayLike, read: Callable[[Any, Array], Array]) -> Array:
        """What each target's surrogate says of the subsets with the target in them."""
        X = check_indicators(X)
        result = np.full((len(X), len(self.estimators)), np.nan)
        for target, estimator in enumerate(self.estimators):
            if estimator is not None:
                rows = X.copy()
                rows[:, target] = 1.0
                result[:, target] = read(estimator, rows)
        return result


def fit_surrogates(
    X: ArrayLike, Y: ArrayLike, estimator: BaseEstimator | None = None
) -> TargetSurrogates:
    """One surrogate for each target.

    Target t learns from the subsets that score it; its own indicator is constant there and has no
    effect of its own. Repeats are averaged, and a score weighs as much as it has repeats.

    Parameters
    ----------
    X, Y : arrays
        As of `relevance`.
    estimator : estimator, optional
        The surrogate, `LinearSurrogate()` if not given; it is cloned for each target, whose number
        it is told if it has a parameter `target`.

    Warns
    -----
    DesignWarning
        What the subsets cannot tell; among it, the targets without a surrogate.

    Raises
    ------
    ValueError
        If X or Y is not as described, or no target can be fitted.
    """
    X, mean, counts = check_design(X, Y)
    estimator = LinearSurrogate() if estimator is None else estimator
    tasks = range(X.shape[1])
    with warnings.catch_warnings():
        # `check_design` names what is lacking once; every target would repeat it.
        warnings.simplefilter("ignore", DesignWarning)
        results = [_fit_target(estimator, X, mean, counts, target) for target in tasks]
    fitted, reasons = zip(*results, strict=True)
    failed = [target for target in tasks if reasons[target]]
    if len(failed) == X.shape[1]:
        raise ValueError(f"no target can be fitted; target 0: {reasons[0]}")
    if failed:
        warnings.warn(
            f"targets {failed[:10]}{' and more' if len(failed) > 10 else ''} have no surrogate; "
            f"target {failed[0]}: {reasons[failed[0]]}",
            DesignWarning,
            stacklevel=2,
        )
    scored = ~np.isnan(mean)
    # Whole numbers of this size are exact in floating point, whose products are the fast ones.
    together = (scored.astype(np.float64).T @ X).astype(np.int64)
    return TargetSurrogates(fitted, together)


def _fit_target(
    estimator: BaseEstimator, X: Array, mean: Array, counts: Array, target: int
) -> tuple[Any, str]:
    own, y, rows = target_design(X, mean, target)
    if len(y) < 4:
        return None, f"needs at least 4 scores, has {len(y)}"
    try:
        model = clone(estimator)
        if "target" in model.get_params():
            model.set_params(target=target)
        return model.fit(own, y, sample_weight=counts[rows, target]), ""
    except ValueError as error:
        return None, str(error)
