from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cotrain.arrays import Array
from cotrain.reliability import CONFIDENCE, UNDECIDED, moderate_variances, verdicts
from cotrain.surrogates._linear import LinearSurrogate, Ridge
from cotrain.surrogates._targets import TargetSurrogates, fit_surrogates


@dataclass(frozen=True)
class Relevance:
    """Effect of each source task (column) on each target task (row), with what is known of it.

    All arrays have the shape (n_tasks, n_tasks); the diagonal is NaN, and verdict "".

    Attributes
    ----------
    estimate : ndarray
        Mean change of the target's score when the source joins, in units of the score.
    low, high : ndarray
        Ends of the 95 % interval; NaN where fewer than two repeats score the target.
    p_value : ndarray
        Two-sided, of no effect; NaN where the ends are.
    verdict : ndarray of str
        "helps", "hurts" or "undecided" at the false discovery rate `fdr`; "unknown" where the
        subsets tell nothing, "" on the diagonal.
    n_together : ndarray of int
        Subsets that score the target with the source in them.
    """

    estimate: Array
    low: Array
    high: Array
    p_value: Array
    verdict: NDArray[np.str_]
    n_together: NDArray[np.int64]

    @property
    def standard_error(self) -> Array:
        """Half the length of the intervals over that of the standard normal distribution's."""
        return (self.high - self.low) / (2 * stats.norm.ppf(0.5 + CONFIDENCE / 2))

    @classmethod
    def of(
        cls,
        estimate: Array,
        ends: tuple[Array, Array],
        p_value: Array,
        n_together: NDArray[np.int64],
        fdr: float,
    ) -> "Relevance":
        """The effects with their verdicts at a false discovery rate."""
        verdict = verdicts(estimate, p_value, fdr)
        verdict[np.isnan(p_value) & ~np.isnan(estimate)] = UNDECIDED
        np.fill_diagonal(verdict, "")
        return cls(estimate, *ends, p_value, verdict, n_together)


def relevance(
    X: ArrayLike, Y: ArrayLike, *, ridge: Ridge = "evidence", fdr: float = 0.05
) -> Relevance:
    """The effect of every task on every other, with intervals, p-values and verdicts.

    Fits of one repeat share seeds and folds, so that a source has an effect of this repeat on a
    target beside its lasting one, which scores of other subsets of the repeat do not tell from it.
    The repeat is therefore the unit: the variance of an effect is that of the repeats' own
    effects, with variances steadied by those of other sources and targets
    (`cotrain.reliability.moderate_variances`), and what shrinkage may have taken off or put on.
    One repeat tells nothing of this variance: every pair is then undecided.

    Parameters
    ----------
    X : array, shape (n_subsets, n_tasks)
        1 where the subset holds the task, else 0.
    Y : array, shape (n_subsets, n_tasks) or (n_repeats, n_subsets, n_tasks)
        Scores, the higher the better; NaN where a fit does not score the task. Where repeats have
        folds of their own, verdicts are of other folds as well; else of these folds alone.
    ridge : "evidence" or float
        Penalty of the linear surrogate.
    fdr : float
        Rate of false discoveries among the verdicts helps and hurts (Benjamini and Hochberg over
        all pairs).

    Raises
    ------
    ValueError
        If an argument is out of its range, or X and Y do not serve `fit_surrogates`.
    """
    if not 0 < fdr < 1:
        raise ValueError(f"fdr must be between 0 and 1, got {fdr}")
    surrogates = fit_surrogates(X, Y, LinearSurrogate(ridge=ridge))
    estimate = surrogates.coef
    scores = np.asarray(Y, dtype=np.float64)
    repeats = scores if scores.ndim == 3 else scores[None]
    error, dof = _errors(np.asarray(X, dtype=np.float64), repeats, surrogates)
    reach = error * stats.t.ppf(0.5 + CONFIDENCE / 2, dof)
    p_value = 2 * stats.t.sf(np.abs(estimate) / error, dof)
    ends = estimate - reach, estimate + reach
    return Relevance.of(estimate, ends, p_value, surrogates.n_together, fdr)


def _errors(X: Array, Y: Array, surrogates: TargetSurrogates) -> tuple[Array, Array]:
    """Standard errors of the effects and their degrees of freedom, (n_tasks, n_tasks) each."""
    variance, shrinkage, degrees = np.full((3, *surrogates.n_together.shape), np.nan)
    for target, model in enumerate(surrogates.estimators):
        if model is not None:
            # The subsets that score the target about the mean one, and their residuals.
            scores = Y[:, :, target]
            weight = (~np.isnan(scores)).sum(axis=0)
            scored, weight = weight > 0, weight[weight > 0]
            own = X[scored]
            own[:, target] = 1.0
            rows, left = own - model.mean_, scores[:, scored] - model.predict(own)
            covariance, seen = model.squares()
            parts = _shares(rows, left) @ seen
            if len(parts) > 1:
                variance[target] = len(parts) * parts.var(axis=0, ddof=1)
                degrees[target] = len(parts) - 1
            # What of the effects' variances is not of noise.
            by_noise = np.sum(weight[:, None] * (rows @ seen) ** 2, axis=0)
            rest = np.diag(covariance) - model.noise_ * by_noise
            shrinkage[target] = np.maximum(rest, 0.0)
    unknown = np.isnan(surrogates.coef)
    variance[unknown], degrees[unknown] = np.nan, 0
    variance, degrees = moderate_variances(variance, np.nan_to_num(degrees))
    # Of a sum of two estimates of variances (Satterthwaite 1946).
    total = variance + shrinkage
    known = ~np.isnan(total) & (degrees > 0)
    by_repeats = np.where(known, variance, np.nan) ** 2 / np.where(known, degrees, np.nan)
    dof = total**2 / (by_repeats + shrinkage**2 / surrogates.dof[:, None])
    return np.where(known, np.sqrt(total), np.nan), dof


def _shares(rows: Array, left: Array) -> Array:
    """What each repeat that scores the target adds to the products with the scores.

    Shape (n_repeats, n_tasks), of the residuals (n_repeats, n_subsets) of the `rows`, beside the
    repeat's own level: repeats that are alike have equal shares.
    """
    known = ~np.isnan(left)
    n = known.sum(axis=1, keepdims=True)
    left = np.where(known, left, 0.0)
    left = np.where(known, left - left.sum(axis=1, keepdims=True) / np.maximum(n, 1), 0.0)
    return np.asarray((left @ rows)[n[:, 0] > 0])
