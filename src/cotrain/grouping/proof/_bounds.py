"""Bounds that take no search, and what all searches for bounds share: a frame, and a clock.

Let M_ij = 1 where task j is in the group that serves task i. A linear value is
sum_i w_i intercept_i + <B, M>, with B the weighted coefficients. T = 2 M − 1 has entries ±1, so
that <B, M> is half of the sum of B and <B, T>: a bound on <B, T> is one on the value.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cotrain.grouping.value import AffinityValue, Floats, LinearValue, Objective


@dataclass
class Clock:
    """Whether `seconds` are over, and whether anybody was stopped by that.

    Searches end after counted steps, so that they do the same anywhere; the clock is for problems
    far beyond what those steps were chosen for.
    """

    seconds: float
    struck: bool = False
    _begun: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Return the seconds that are left, a little more than 0."""
        return max(self.seconds - (time.monotonic() - self._begun), 0.01)

    def is_over(self) -> bool:
        """Return whether the seconds are over: to be asked by what then stops."""
        self.struck = self.struck or time.monotonic() - self._begun > self.seconds
        return self.struck


def task_bounds(objective: Objective) -> Floats:
    """Return, of shape (n_tasks,), a score that no allowed group exceeds for the task.

    The best sources within the size limits, whatever they do to other tasks. inf for a value of
    unknown form.
    """
    value, constraints = objective.value, objective.constraints
    least, most = constraints.min_size - 1, (constraints.max_size or objective.n_tasks) - 1
    if isinstance(value, LinearValue):
        value = value.majorant()
        best = _sorted_sources(value.coef)
        gains = best[:, :least].sum(axis=1) + np.maximum(best[:, least:most], 0).sum(axis=1)
        return value.intercept + gains
    bounds = np.full(objective.n_tasks, np.inf)
    if isinstance(value, AffinityValue):
        # The mean of the n best falls with n, so the smallest group allowed is a task's best.
        best = _sorted_sources(value.affinity)[:, : max(least, 1)]
        bounds = best.mean(axis=1) if most >= 1 else -bounds
        if least == 0 and value.self_scores is not None:
            bounds = np.maximum(bounds, value.self_scores)
    return bounds


def selfish_bound(objective: Objective) -> float:
    """Return the weighted mean of `task_bounds`; with one group, what all together are worth."""
    if objective.most_groups == 1:
        return objective.score(np.ones((1, objective.n_tasks), dtype=bool))
    return float(np.asarray(objective.weights) @ task_bounds(objective))


def signed_bound(objective: Objective, bound: Callable[[Floats], float]) -> float:
    """Return a bound on a linear value, from a function that gives one on <B, T> for any B."""
    value = objective.value
    if not isinstance(value, LinearValue):
        raise TypeError(f"objective must have a LinearValue, got {type(value).__name__}")
    value = value.majorant()
    weights = np.asarray(objective.weights)
    gain = weights[:, None] * value.coef
    scale = max(float(np.abs(gain).max()), 1e-300)
    signed = bound(gain / scale) * scale
    # Rounding is far below this margin.
    margin = 1e-9 * float(np.abs(gain).sum())
    return float(weights @ value.intercept + (gain.sum() + signed) / 2 + margin)


def _sorted_sources(matrix: Floats) -> Floats:
    """Return the off-diagonal entries of each row, largest first: (n_tasks, n_tasks − 1)."""
    n_tasks = len(matrix)
    off = matrix[~np.eye(n_tasks, dtype=bool)].reshape(n_tasks, n_tasks - 1)
    return -np.sort(-off, axis=1)
