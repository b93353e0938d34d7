"""A grouping with what it is worth and how good it is proven to be; the simplest of several."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cotrain.grouping.value._groups import Floats, Members
from cotrain.grouping.value._objective import TOLERANCE, Grouping, Objective, as_groups, as_matrix


@dataclass(frozen=True, eq=False)
class GroupingResult:
    """A grouping, what it is worth, and how much better any other could be."""

    groups: Grouping  # tasks of each group, in canonical order; no group without use
    served_by: tuple[int, ...]  # of each task: the place in `groups` of the group that serves it
    task_values: Floats  # (n_tasks,): the score of each task
    value: float  # the weighted mean of these
    bound: float  # no grouping under the same constraints is worth more; inf: nothing is proven
    is_optimal: bool  # whether the bound proves that no grouping is better
    cost: float  # at inference, of all groups
    is_flat: bool = False  # every grouping looked at is worth the same: there is nothing to choose
    timed_out: bool = False  # the clock ended the proof: another machine may come further

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

    Groups without use are left out.

    Raises
    ------
    ValueError
        If the groups break a constraint or leave a task without a score.
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
    models; of equals in both, the better one.

    Parameters
    ----------
    objective : Objective
    groupings : groupings
        Those that break a constraint are passed over.
    tolerance : float
        Such as the standard error of a predicted difference; 0 breaks ties only.

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
