"""The objective of every search: the mean score of tasks, each served by its best group."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from cotrain.grouping._constraints import Constraints, is_feasible
from cotrain.grouping._values import Floats, GroupValue, Members

Group = tuple[int, ...]
Grouping = tuple[Group, ...]

TOLERANCE = 1e-9
"""Difference of values, relative to the largest score, that counts as none."""


@dataclass(frozen=True, eq=False)
class Objective:
    """What is maximised: the weighted mean over tasks of the best score a group gives them.

    A group may hold a task without serving it: an auxiliary task.

    Parameters
    ----------
    value : GroupValue
        The score of every task in every group, higher is better.
    constraints : Constraints
    weights : array, shape (n_tasks,), optional
        Positive; scaled to sum to 1. Default: every task the same.
    """

    value: GroupValue
    constraints: Constraints = field(default_factory=Constraints)
    weights: ArrayLike | None = None

    def __post_init__(self) -> None:
        self.constraints.check(self.n_tasks)
        weights = np.ones(self.n_tasks) if self.weights is None else np.array(self.weights, float)
        if weights.shape != (self.n_tasks,) or not np.isfinite(weights).all() or min(weights) <= 0:
            raise ValueError(
                f"weights must be {self.n_tasks} positive numbers, got {self.weights}; "
                "to leave a task out, leave it out of the value"
            )
        object.__setattr__(self, "weights", weights / weights.sum())

    @property
    def n_tasks(self) -> int:
        """Return the number of tasks."""
        return self.value.n_tasks

    @property
    def most_groups(self) -> int:
        """Return the largest number of groups that can be of use."""
        return self.constraints.most_groups(self.n_tasks)

    @cached_property
    def blocks(self) -> Members:
        """Return the smallest sets of tasks that move together, shape (n_blocks, n_tasks)."""
        return self.constraints.blocks(self.n_tasks)

    @cached_property
    def is_flat(self) -> bool:
        """Return whether no task's score differs between groups: single, random, and all tasks."""
        random = np.random.default_rng(0).random((200, self.n_tasks)) < 0.5
        groups = np.vstack([np.eye(self.n_tasks), random, np.ones((1, self.n_tasks))])
        scores = self.value(groups.astype(bool))
        known = ~np.isnan(scores)
        low = np.where(known, scores, np.inf).min(axis=0)
        high = np.where(known, scores, -np.inf).max(axis=0)
        return bool((high - low <= TOLERANCE * np.maximum(1.0, np.abs(high))).all())

    def task_scores(self, members: Members) -> Floats:
        """Return scores (n_groups, n_tasks): -inf where the group cannot serve the task."""
        scores = self.value(members)
        return np.where(np.isnan(scores), -np.inf, scores)

    def weighted(self, members: Members) -> Floats:
        """Return weight times score (n_groups, n_tasks): -inf where the group cannot serve."""
        return self.task_scores(members) * np.asarray(self.weights)

    def score(self, members: Members) -> float:
        """Return the value of the groups (n_groups, n_tasks); -inf if they break a rule."""
        members = members[members.any(axis=1)]
        if not is_feasible(self.constraints, members):
            return -np.inf
        return float(self.weighted(members).max(axis=0).sum())


@dataclass(frozen=True, eq=False)
class GroupingResult:
    """A grouping, what it is worth, and how much better any other could be.

    Attributes
    ----------
    groups : tuple of tuples
        Tasks of each group, in canonical order; no group without a task to serve.
    served_by : tuple of int
        For each task, the position in `groups` of the group that serves it.
    task_values : array, shape (n_tasks,)
        The score of each task in its group.
    value : float
        The weighted mean of `task_values`.
    bound : float
        No grouping under the same constraints is worth more; inf where nothing is proven.
    is_optimal : bool
        Whether the bound proves that no grouping is better.
    cost : float
        Cost at inference of all groups.
    is_flat : bool
        Whether every grouping looked at is worth the same: there is nothing to choose.
    timed_out : bool
        Whether the clock ended the proof: another machine may come further.
    """

    groups: Grouping
    served_by: tuple[int, ...]
    task_values: Floats
    value: float
    bound: float
    is_optimal: bool
    cost: float
    is_flat: bool = False
    timed_out: bool = False

    @property
    def gap(self) -> float:
        """Return (bound − value) / |value|: 0 if optimal, inf if unknown."""
        if self.is_optimal:
            return 0.0
        return (self.bound - self.value) / abs(self.value) if self.value != 0 else np.inf

    @property
    def certificate(self) -> str:
        """Return "optimal", "within x % of optimal", "not proven" or "nothing to choose"."""
        if self.is_flat:
            return "nothing to choose: the predicted scores do not depend on the grouping"
        if self.is_optimal:
            return "optimal"
        said = "not proven"
        if np.isfinite(self.gap):
            said = f"within {100 * self.gap:.2g} % of optimal"
        return f"{said}, stopped by the time limit" if self.timed_out else said


def grouping_result(
    objective: Objective, members: Members, bound: float = np.inf
) -> GroupingResult:
    """Return the grouping `members` (n_groups, n_tasks) with its value and certificate.

    Raises
    ------
    ValueError
        If the groups break a constraint or leave a task without a score.
    """
    members = members[members.any(axis=1)]
    value = objective.score(members)
    if not np.isfinite(value):
        raise ValueError(
            "groups must keep the constraints and give every task a finite score, got "
            f"{[tuple(map(int, np.flatnonzero(row))) for row in members]}; a task without a score "
            "of its own needs min_size 2 at least"
        )
    scores = objective.task_scores(members)
    serving = scores.argmax(axis=0)
    used = np.unique(serving)
    groups = [tuple(int(task) for task in np.flatnonzero(members[row])) for row in used]
    order = sorted(range(len(groups)), key=lambda position: groups[position])
    place = {int(used[position]): rank for rank, position in enumerate(order)}
    task_values = scores.max(axis=0)
    slack = TOLERANCE * max(1.0, float(np.abs(task_values).max()))
    is_optimal = bool(bound <= value + slack)
    kept = members[used]
    return GroupingResult(
        groups=tuple(groups[position] for position in order),
        served_by=tuple(place[int(row)] for row in serving),
        task_values=task_values,
        value=value,
        bound=value if is_optimal else float(bound),
        is_optimal=is_optimal,
        cost=float(objective.constraints.costs(kept).sum()),
        is_flat=objective.is_flat,
    )


def as_matrix(groups: Grouping, n_tasks: int) -> Members:
    """Return `groups` as indicators of shape (n_groups, n_tasks).

    Raises
    ------
    ValueError
        If a group names a task that is not there.
    """
    members = np.zeros((len(groups), n_tasks), dtype=bool)
    for row, group in enumerate(groups):
        if not all(0 <= task < n_tasks for task in group):
            raise ValueError(f"groups must hold tasks 0 to {n_tasks - 1}, got {tuple(group)}")
        members[row, list(group)] = True
    return members
