"""A bound for many tasks and few groups, from the rank of the matrix of who sees whom.

With B, M and T as in `_bounds`, M has ones on its diagonal and at most k different rows, so that T
has rank at most k, and Frobenius norm n.
For every split B = R + S and all positive row scales r and column scales c,

    <B, T> <= sum of |R_ij| off the diagonal + sum of R_ii
              + ||r|| ||c|| (sum of the k largest squared singular values of S_ij / (r_i c_j))^½,

the last term by Ky Fan's inequality. Any split is valid; a descent looks for a good one.
"""

import numpy as np
from scipy.linalg import svd
from scipy.optimize import minimize

from cotrain.grouping.proof._bounds import Clock, signed_bound
from cotrain.grouping.value import Floats, Objective


def spectral_bound(objective: Objective, clock: Clock, *, max_iterations: int = 300) -> float:
    """Return a bound on the value of a linear objective; valid whenever it is stopped.

    Limits on size and on pairs are not used.
    """
    n_groups = objective.most_groups
    return signed_bound(objective, lambda gain: _ky_fan(gain, n_groups, clock, max_iterations))


def _ky_fan(gain: Floats, n_groups: int, clock: Clock, max_iterations: int) -> float:
    """Return a bound on <gain, T>, the gain having a zero diagonal."""
    n_tasks = len(gain)
    diagonal = np.eye(n_tasks, dtype=bool)
    best = [float(np.abs(gain).sum())]

    def bound(unknowns: Floats) -> tuple[float, Floats]:
        split = unknowns[: n_tasks**2].reshape(n_tasks, n_tasks)
        rows, columns = np.exp(unknowns[n_tasks**2 :].reshape(2, n_tasks))
        scaled = split / rows[:, None] / columns
        left, values, right = svd(scaled, full_matrices=False)
        top = np.sqrt((values[:n_groups] ** 2).sum()) + 1e-300
        size = np.linalg.norm(rows) * np.linalg.norm(columns)
        slope = (left[:, :n_groups] * values[:n_groups]) @ right[:n_groups] / top
        rest = gain - split
        sign = np.where(diagonal, 1.0, np.sign(rest))
        total = float((sign * rest).sum() + size * top)
        best[0] = min(best[0], total)
        part = slope * scaled
        by_rows = size * top * (rows**2 / (rows**2).sum()) - size * part.sum(axis=1)
        by_columns = size * top * (columns**2 / (columns**2).sum()) - size * part.sum(axis=0)
        by_split = size * slope / rows[:, None] / columns - sign
        return total, np.concatenate([by_split.ravel(), by_rows, by_columns])

    def stop(_: Floats) -> None:
        if clock.is_over():
            raise StopIteration

    start = np.concatenate([(gain - gain.mean()).ravel() * 0.9, np.zeros(2 * n_tasks)])
    options = {"maxiter": max_iterations}
    minimize(bound, start, jac=True, method="L-BFGS-B", options=options, callback=stop)
    return best[0]
