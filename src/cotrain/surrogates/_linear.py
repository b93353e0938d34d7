from functools import partial
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from cotrain.arrays import Array, Bools
from cotrain.surrogates._base import EffectsSurrogate, check_fit, warn
from cotrain.surrogates._evidence import (
    Posterior,
    evidence_posterior,
    given,
    ridge_posterior,
    told_by,
)

Ridge = float | Literal["evidence"]


class LinearSurrogate(EffectsSurrogate):
    """A score as an intercept and one effect for each task of the subset.

    g(S) = intercept + sum over i in S of theta_i (arXiv 2303.14582, section 3).

    Parameters
    ----------
    ridge : "evidence" or float, default "evidence"
        "evidence": the effects scatter around their own mean with a variance that the scores
        decide; every penalty counts by its marginal likelihood. A number: the ridge penalty on
        standardised scores, 0 for least squares; 0.01 is a setting known from the literature.

    Attributes
    ----------
    coef_ : ndarray, shape (n_tasks,)
        Effect of each task; NaN for a task that is in no subset or in all of them.
    intercept_ : float
        Score of the empty subset.
    mean_ : ndarray, shape (n_tasks,)
        Share of the weight that lies on subsets with each task.
    noise_ : float
        Variance of the noise of a score of weight 1.
    dof_ : float
        Degrees of freedom of the t distribution.

    Warns
    -----
    DesignWarning
        If a task is in no subset or in all (`predict` then takes a task it has never seen for an
        average one), if all subsets have one size, or if no degree of freedom is left for the
        noise.

    Examples
    --------
    >>> X = [[0, 0], [1, 0], [0, 1], [1, 1]]
    >>> LinearSurrogate(ridge=0).fit(X, [1.0, 3.0, 0.0, 2.0]).coef_.round(6).tolist()
    [2.0, -1.0]
    """

    def __init__(self, ridge: Ridge = "evidence") -> None:
        self.ridge = ridge

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted surrogate.

        Parameters
        ----------
        X : array, shape (n_subsets, n_tasks)
            1 where the subset holds the task, else 0.
        y : array, shape (n_subsets,)
            Score of each subset.
        sample_weight : array, shape (n_subsets,), optional
            Precision of each score, such as the number of repeats behind it.

        Raises
        ------
        ValueError
            If there are fewer subsets than the model needs, all scores are the same, or a value
            is missing.
        """
        X, y, weight = check_fit(self, X, y, sample_weight)
        constant = self._fit(X, y, weight)
        self.coef_ = np.where(constant, np.nan, self._effects)
        self.intercept_ = float(self._y_mean - self.mean_ @ np.where(constant, 0, self._effects))
        return self

    def _posterior(self, rows: Array, y: Array, constant: Bools) -> Posterior:
        if self.ridge == "evidence":
            free = self._free(rows.shape[1])
            if not told_by(rows, free[:, :1]).size and np.sum(~constant) > 1:
                warn(
                    "all subsets have one size, so effects are relative to the average task's; "
                    "add the single-task scores"
                )
            return evidence_posterior(rows, y, told_by(rows, free))
        if isinstance(self.ridge, str) or self.ridge < 0:
            raise ValueError(f'ridge must be "evidence" or at least 0, got {self.ridge!r}')
        return self._ridge_posterior(rows, y, constant)

    def _free(self, n_tasks: int) -> Array:
        """What effects may follow freely, (n_tasks, q): their own mean."""
        return np.ones((n_tasks, 1))

    def _ridge_posterior(self, rows: Array, y: Array, constant: Bools) -> Posterior:
        n_rows, n_tasks = rows.shape
        varying = rows[:, ~constant]
        if self.ridge == 0 and np.linalg.matrix_rank(varying) < varying.shape[1]:
            raise ValueError(
                f"least squares must have more independent subsets than tasks, got n_samples = "
                f"{n_rows} of rank {np.linalg.matrix_rank(varying)} for {varying.shape[1]} tasks; "
                f"add subsets or give a positive ridge"
            )
        part = ridge_posterior(varying, y, float(self.ridge))
        told, passed = part.squares()
        if np.isnan(part.noise):
            warn(f"{n_rows} subsets leave no degree of freedom for the noise: no intervals")
        mean = np.zeros(n_tasks)
        covariance, seen = np.zeros((2, n_tasks, n_tasks))
        mean[~constant] = part.mean
        covariance[np.ix_(~constant, ~constant)] = told
        seen[np.ix_(~constant, ~constant)] = passed
        return Posterior(mean, partial(given, covariance, seen), part.noise, part.dof)


class AffinitySurrogate(LinearSurrogate):
    """The linear surrogate whose effects follow the sources' gradient affinity for the target.

    theta_i scatters about a line in the affinity of source i, whose level and slope the scores
    decide: affinity as a prior that few measured subsets correct, in the manner of ETAP (2026).
    Where subsets are many it is the linear surrogate; see docs/results/surrogates.md.

    Parameters
    ----------
    affinity : array, shape (n_tasks, n_tasks)
        Row: target; column: source. NaN where unknown: such a source follows the mean.
    target : int, optional
        The row that counts; `fit_surrogates` sets it.

    Attributes are those of `LinearSurrogate`.
    """

    ridge = "evidence"

    def __init__(self, affinity: ArrayLike | None = None, target: int | None = None) -> None:
        self.affinity = affinity
        self.target = target

    def _free(self, n_tasks: int) -> Array:
        mean = super()._free(n_tasks)
        if self.affinity is None or self.target is None:
            return mean
        affinity = np.asarray(self.affinity, dtype=np.float64)
        if affinity.shape != (n_tasks, n_tasks):
            raise ValueError(
                f"affinity must be an array ({n_tasks}, {n_tasks}), a row a target, "
                f"got the shape {affinity.shape}"
            )
        own = np.where(np.arange(n_tasks) == self.target, np.nan, affinity[self.target])
        known = np.isfinite(own)
        if not known.any() or np.ptp(own[known]) == 0:
            return mean
        line = np.where(known, (own - own[known].mean()) / own[known].std(), 0.0)
        return np.column_stack([mean, line])
