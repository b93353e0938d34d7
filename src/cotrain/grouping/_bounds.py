"""Bounds that take no search: what each task would have if it alone chose."""

import numpy as np

from cotrain.grouping._objective import Objective
from cotrain.grouping._values import AffinityValue, Floats, LinearValue


def task_bounds(objective: Objective) -> Floats:
    """Return, of shape (n_tasks,), a score that no allowed group exceeds for the task.

    The best sources within the size limits, whatever they do to other tasks. inf for a value of
    unknown form.
    """
    if isinstance(objective.value, LinearValue):
        return _linear_bounds(objective, objective.value.majorant())
    if isinstance(objective.value, AffinityValue):
        return _affinity_bounds(objective, objective.value)
    return np.full(objective.n_tasks, np.inf)


def selfish_bound(objective: Objective) -> float:
    """Return the weighted mean of `task_bounds`."""
    return float(np.asarray(objective.weights) @ task_bounds(objective))


def _linear_bounds(objective: Objective, value: LinearValue) -> Floats:
    best = _sorted_sources(value.coef)
    least, most = _source_limits(objective)
    gains = best[:, :least].sum(axis=1) + np.maximum(best[:, least:most], 0).sum(axis=1)
    return value.intercept + gains


def _affinity_bounds(objective: Objective, value: AffinityValue) -> Floats:
    best = _sorted_sources(value.affinity)
    least, most = _source_limits(objective)
    # The mean of the n best falls with n, so the smallest group allowed is a task's best.
    first = max(least, 1)
    bounds = best[:, :first].mean(axis=1) if most >= 1 else np.full(objective.n_tasks, -np.inf)
    if least == 0 and value.self_scores is not None:
        bounds = np.maximum(bounds, value.self_scores)
    return bounds


def _sorted_sources(matrix: Floats) -> Floats:
    """Return the off-diagonal entries of each row, largest first: (n_tasks, n_tasks − 1)."""
    n_tasks = len(matrix)
    off = matrix[~np.eye(n_tasks, dtype=bool)].reshape(n_tasks, n_tasks - 1)
    return -np.sort(-off, axis=1)


def _source_limits(objective: Objective) -> tuple[int, int]:
    constraints = objective.constraints
    return constraints.min_size - 1, (constraints.max_size or objective.n_tasks) - 1
