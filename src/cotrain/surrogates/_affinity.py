import numpy as np
from numpy.typing import ArrayLike

from cotrain.arrays import Array
from cotrain.surrogates._linear import LinearSurrogate


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

    Attributes
    ----------
    coef_, intercept_, mean_, noise_, dof_
        As of `LinearSurrogate`.
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
