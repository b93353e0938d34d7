from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cotrain.reliability import verdicts
from cotrain.surrogates._bootstrap import bootstrap_error
from cotrain.surrogates._linear import LinearSurrogate, Ridge
from cotrain.surrogates._scores import check_design, target_design
from cotrain.surrogates._targets import TargetSurrogates, fit_surrogates

Array = NDArray[np.float64]
Method = Literal["t", "bootstrap"]


@dataclass(frozen=True)
class Relevance:
    """Effect of each source task (column) on each target task (row), with what is known of it.

    All arrays have the shape (n_tasks, n_tasks); the diagonal is NaN, and verdict "".

    Attributes
    ----------
    estimate : ndarray
        Mean change of the target's score when the source joins, in units of the score.
    low, high : ndarray
        Ends of the interval at `confidence`.
    p_value : ndarray
        Two-sided, of no effect.
    verdict : ndarray of str
        "helps", "hurts" or "undecided" at the false discovery rate `fdr`; "unknown" where the
        subsets tell nothing, "" on the diagonal.
    n_together : ndarray of int
        Subsets that score the target with the source in them.
    fdr, confidence : float
        As asked for.
    """

    estimate: Array
    low: Array
    high: Array
    p_value: Array
    verdict: NDArray[np.str_]
    n_together: NDArray[np.int64]
    fdr: float
    confidence: float

    @property
    def standard_error(self) -> Array:
        """Half the length of the intervals over that of the standard normal distribution's."""
        return (self.high - self.low) / (2 * stats.norm.ppf(0.5 + self.confidence / 2))

    def count(self, verdict: str) -> int:
        """Number of pairs with this verdict."""
        return int(np.count_nonzero(self.verdict == verdict))

    def to_frame(self, tasks: Sequence[str] | None = None) -> pd.DataFrame:
        """One row for each pair of a target and another task as source."""
        n_tasks = len(self.estimate)
        names = np.asarray(range(n_tasks) if tasks is None else tasks)
        if len(names) != n_tasks:
            raise ValueError(f"tasks must name {n_tasks} tasks, got {len(names)}")
        target, source = np.nonzero(~np.eye(n_tasks, dtype=bool))
        columns = ("estimate", "low", "high", "p_value", "verdict", "n_together")
        values = {column: getattr(self, column)[target, source] for column in columns}
        return pd.DataFrame({"target": names[target], "source": names[source], **values})


def relevance(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    ridge: Ridge = "evidence",
    fdr: float = 0.05,
    confidence: float = 0.95,
    method: Method = "t",
    n_bootstrap: int = 200,
    random_state: int = 0,
    n_jobs: int = 1,
) -> Relevance:
    """The effect of every task on every other, with intervals, p-values and verdicts.

    Parameters
    ----------
    X : array, shape (n_subsets, n_tasks)
        1 where the subset holds the task, else 0.
    Y : array, shape (n_subsets, n_tasks) or (n_repeats, n_subsets, n_tasks)
        Scores, the higher the better; NaN where a fit does not score the task.
    ridge : "evidence" or float
        Penalty of the linear surrogate.
    fdr : float
        Rate of false discoveries among the verdicts helps and hurts (Benjamini and Hochberg over
        all pairs).
    confidence : float
        Of the intervals, each by itself.
    method : {"t", "bootstrap"}
        Where the standard errors come from: the linear model with equal noise, or subsets drawn
        anew together with all their repeats, which holds when the noise differs between subsets.
        Both use the t distribution.
    n_bootstrap : int
        Draws of the bootstrap.
    random_state : int
        Seed of the bootstrap.
    n_jobs : int
        Threads.

    Raises
    ------
    ValueError
        If an argument is out of its range, or X and Y do not serve `fit_surrogates`.
    """
    for name, value in (("fdr", fdr), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must be between 0 and 1, got {value}")
    if method not in ("t", "bootstrap"):
        raise ValueError(f'method must be "t" or "bootstrap", got {method!r}')
    surrogates = fit_surrogates(X, Y, LinearSurrogate(ridge=ridge), n_jobs=n_jobs)
    error = surrogates.standard_error
    if method == "bootstrap":
        error = _bootstrap_error(X, Y, surrogates, n_bootstrap, random_state)
    return _judge(surrogates, error, fdr, confidence)


def _judge(surrogates: TargetSurrogates, error: Array, fdr: float, confidence: float) -> Relevance:
    estimate, dof = surrogates.coef, surrogates.dof[:, None]
    reach = error * stats.t.ppf(0.5 + confidence / 2, dof)
    p_value = 2 * stats.t.sf(np.abs(estimate / error), dof)
    verdict = verdicts(estimate, p_value, fdr)
    np.fill_diagonal(verdict, "")
    return Relevance(
        estimate,
        estimate - reach,
        estimate + reach,
        p_value,
        verdict,
        surrogates.n_together,
        fdr,
        confidence,
    )


def _bootstrap_error(
    X: ArrayLike, Y: ArrayLike, surrogates: TargetSurrogates, n_draws: int, seed: int
) -> Array:
    X, mean, counts = check_design(X, Y)
    rng = np.random.default_rng(seed)
    error = np.full((X.shape[1], X.shape[1]), np.nan)
    for target, model in enumerate(surrogates.estimators):
        if model is not None:
            own, y, rows = target_design(X, mean, target)
            error[target] = bootstrap_error(model, own, y, counts[rows, target], n_draws, rng)
    np.fill_diagonal(error, np.nan)
    return error
