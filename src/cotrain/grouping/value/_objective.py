"""The objective of every search: the mean score of tasks, each served by its best group."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from cotrain.grouping.value._constraints import Constraints, is_feasible
from cotrain.grouping.value._groups import Floats, GroupValue, LinearValue, Members, PredictedValue

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
        return self.value.n_tasks

    @property
    def most_groups(self) -> int:
        return self.constraints.most_groups(self.n_tasks)

    @cached_property
    def free_gain(self) -> Floats | None:
        """Return weight times coefficient (n_tasks, n_tasks) of a linear value without other rules.

        Then a group's best auxiliaries are the tasks whose column, summed over the tasks served, is
        above 0. None where a rule binds beside the number of groups, or the value is not linear.
        """
        value = self.value
        if isinstance(value, LinearValue) and value.z == 0 and self.constraints.is_count_alone:
            return np.asarray(self.weights)[:, None] * value.coef
        return None

    @cached_property
    def blocks(self) -> Members:
        return self.constraints.blocks(self.n_tasks)

    @cached_property
    def is_flat(self) -> bool:
        """Return whether no task's score differs between groups: single, random, and all tasks."""
        random = np.random.default_rng(0).random((200, self.n_tasks)) < 0.5
        groups = np.vstack([np.eye(self.n_tasks), random, np.ones((1, self.n_tasks))])
        scores = self.value.scores(groups.astype(bool))
        known = ~np.isnan(scores)
        low = np.where(known, scores, np.inf).min(axis=0)
        high = np.where(known, scores, -np.inf).max(axis=0)
        return bool((high - low <= TOLERANCE * np.maximum(1.0, np.abs(high))).all())

    def task_scores(self, members: Members) -> Floats:
        """Return scores (n_groups, n_tasks): -inf where the group cannot serve the task."""
        scores = self.value.scores(members)
        return np.where(np.isnan(scores), -np.inf, scores)

    def weighted(self, members: Members) -> Floats:
        """Return weight times score (n_groups, n_tasks): -inf where the group cannot serve."""
        return self.task_scores(members) * np.asarray(self.weights)

    def served(self, members: Members, tasks: Members) -> Floats:
        """Return the weighted scores of groups (n_groups, n_tasks), summed over a mask of tasks."""
        value = self.value
        if isinstance(value, PredictedValue) and value.predict_some is not None and value.z == 0:
            scores = value.predict_some(members, tasks)
            scores = np.where(np.isnan(scores), -np.inf, scores)
            return scores @ np.asarray(self.weights)[tasks]
        return self.weighted(members)[:, tasks].sum(axis=1)

    def score(self, members: Members) -> float:
        """Return the value of the groups (n_groups, n_tasks); -inf if they break a rule."""
        members = members[members.any(axis=1)]
        if not is_feasible(self.constraints, members):
            return -np.inf
        return float(np.asarray(self.weights) @ self.task_scores(members).max(axis=0))

    def useful(self, members: Members) -> Members:
        """Return the groups without which the value falls, the cheapest set that a pass finds."""
        members = members[members.any(axis=1)]
        scores = self.task_scores(members)
        kept = np.isin(np.arange(len(members)), scores.argmax(axis=0))  # the first of equals serves
        weights = np.asarray(self.weights)
        value = float(weights @ scores[kept].max(axis=0))
        slack = 1e-12 * max(1.0, abs(value))
        for row in np.argsort(-self.constraints.costs(members), kind="stable"):
            without = kept.copy()
            without[row] = False
            if without.any() and weights @ scores[without].max(axis=0) >= value - slack:
                kept = without
        return members[kept]


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


def as_groups(members: Members) -> Grouping:
    """Return indicators (n_groups, n_tasks) as tuples of tasks, in canonical order."""
    return tuple(sorted(tuple(map(int, np.flatnonzero(row))) for row in members))


@dataclass(frozen=True, eq=False)
class GroupingResult:
    """A grouping, what it is worth, and how much better any other could be.

    Attributes
    ----------
    groups : tuple of tuples
        Tasks of each group, in canonical order; no group without use.
    served_by : tuple of int
        For each task, the position in `groups` of the group that serves it.
    task_values : array, shape (n_tasks,)
        The score of each task.
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

    Groups without use are left out. A ValueError is raised if the groups break a constraint or
    leave a task without a score.
    """
    members = members[members.any(axis=1)]
    if not np.isfinite(objective.score(members)):
        raise ValueError(
            "groups must keep the constraints and give every task a finite score, got "
            f"{list(as_groups(members))}; a task without a score of its own needs min_size 2 at "
            "least"
        )
    groups = as_groups(objective.useful(members))
    members = as_matrix(groups, objective.n_tasks)
    scores = objective.task_scores(members)
    task_values = scores.max(axis=0)
    value = float(np.asarray(objective.weights) @ task_values)
    slack = TOLERANCE * max(1.0, float(np.abs(task_values).max()))
    is_optimal = bool(bound <= value + slack)
    return GroupingResult(
        groups=groups,
        served_by=tuple(map(int, scores.argmax(axis=0))),
        task_values=task_values,
        value=value,
        bound=value if is_optimal else float(bound),
        is_optimal=is_optimal,
        cost=float(objective.constraints.costs(members).sum()),
        is_flat=objective.is_flat,
    )


def simplest(
    objective: Objective, groupings: Iterable[Grouping], tolerance: float = 0.0
) -> GroupingResult:
    """Return the cheapest of the groupings whose value is within `tolerance` of the best one's.

    What is not clearly worse is preferred if it costs less at inference, then if it has fewer
    models; of equals in both, the better one. Groupings that break a constraint are passed over.
    The tolerance is such as the standard error of a predicted difference; 0 breaks ties only.

    Raises
    ------
    ValueError
        If no grouping keeps the constraints, or the tolerance is negative.
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0, got {tolerance}")
    every = [as_matrix(groups, objective.n_tasks) for groups in dict.fromkeys(groupings)]
    values = [objective.score(members) for members in every]
    if not np.isfinite(max(values, default=-np.inf)):
        raise ValueError("groupings must hold one that keeps the constraints, got none")
    enough = max(values) - tolerance - TOLERANCE * max(1.0, abs(max(values)))
    results = [
        grouping_result(objective, members)
        for members, value in zip(every, values, strict=True)
        if value >= enough
    ]
    return min(results, key=lambda one: (one.cost, len(one.groups), -one.value, one.groups))
