"""What a grouping must respect, and which rules conflict when none can."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array, kron
from scipy.sparse.csgraph import connected_components

from cotrain.grouping.value._groups import Floats, Members

Pair = tuple[int, int]

SINGLE_COST, MULTI_COST = 0.5, 1.0
"""Cost at inference of a group of one task, and of more (Standley et al. 2020)."""


@dataclass(frozen=True)
class Constraints:
    """The rules of a grouping. Every task must be in at least one group, whatever the rules.

    Parameters
    ----------
    max_groups : int, optional
        The number of groups at most.
    min_size, max_size : int
        Tasks in each group.
    must_share : pairs of tasks
        A group that holds one of the pair holds the other.
    must_not_share : pairs of tasks
        No group holds both.
    max_cost : float, optional
        Cost at inference of all groups together.
    """

    max_groups: int | None = None
    min_size: int = 1
    max_size: int | None = None
    must_share: tuple[Pair, ...] = ()
    must_not_share: tuple[Pair, ...] = ()
    max_cost: float | None = None

    @property
    def is_count_alone(self) -> bool:
        """Return whether no rule binds but the number of groups."""
        return self == Constraints(self.max_groups)

    @property
    def budget(self) -> float:
        """Return `max_cost` with room for rounding; inf where it is not limited."""
        return np.inf if self.max_cost is None else self.max_cost + 1e-9

    def allows(self, members: Members) -> NDArray[np.bool_]:
        """Return, of shape (n_groups,), which groups respect the rules that bind a group alone."""
        sizes = members.sum(axis=1)
        allowed = (sizes >= self.min_size) & (sizes <= (self.max_size or members.shape[1]))
        for i, j in self.must_share:
            allowed &= members[:, i] == members[:, j]
        for i, j in self.must_not_share:
            allowed &= ~(members[:, i] & members[:, j])
        return allowed

    def costs(self, members: Members) -> Floats:
        """Return the cost of each group, shape (n_groups,); of an empty one, 0."""
        sizes = members.sum(axis=1)
        return np.where(sizes > 1, MULTI_COST, SINGLE_COST * sizes)

    def blocks(self, n_tasks: int) -> Members:
        """Return the smallest sets of tasks that move together, shape (n_blocks, n_tasks)."""
        ties = np.zeros((n_tasks, n_tasks))
        for i, j in self.must_share:
            ties[i, j] = 1
        n_blocks, block = connected_components(ties, directed=False)
        return block == np.arange(n_blocks)[:, None]

    def most_groups(self, n_tasks: int) -> int:
        """Return the largest number of groups that can be of use."""
        most = n_tasks if self.max_groups is None else min(self.max_groups, n_tasks)
        cheapest = SINGLE_COST if self.min_size == 1 else MULTI_COST
        return int(min(most, self.budget / cheapest))

    def check(self, n_tasks: int) -> None:
        """Raise a ValueError that names the rule if one makes no sense for `n_tasks` tasks."""
        if self.max_groups is not None and not 1 <= self.max_groups <= n_tasks:
            raise ValueError(
                f"max_groups must be between 1 and the number of tasks, {n_tasks}, "
                f"got {self.max_groups}; a task needs one group only"
            )
        largest = n_tasks if self.max_size is None else self.max_size
        if not 1 <= self.min_size <= n_tasks:
            raise ValueError(f"min_size must be between 1 and {n_tasks}, got {self.min_size}")
        if self.min_size > largest or largest > n_tasks:
            raise ValueError(
                f"max_size must be between min_size, {self.min_size}, and the number of tasks, "
                f"{n_tasks}, got {largest}"
            )
        for rule in ("must_share", "must_not_share"):
            for pair in getattr(self, rule):
                if len(pair) != 2 or pair[0] == pair[1] or not all(0 <= i < n_tasks for i in pair):
                    raise ValueError(
                        f"{rule} must hold pairs of two different tasks, 0 to {n_tasks - 1}, "
                        f"got {pair}; is a task's name unknown?"
                    )
        if self.max_cost is not None and not self.max_cost > 0:
            raise ValueError(f"max_cost must be above 0, got {self.max_cost}")


def feasible_cover(constraints: Constraints, n_tasks: int) -> Members:
    """Return groups that hold every task and respect every rule, shape (n_groups, n_tasks).

    If there are none, a ValueError names the fewest rules that conflict.
    """
    constraints.check(n_tasks)
    groups = _solve_cover(constraints, n_tasks)
    if groups is not None:
        return groups
    # Rules are dropped one by one, each that the conflict does not need.
    needed = []
    for rule in ("max_groups", "max_cost", "must_not_share", "must_share", "max_size", "min_size"):
        without = replace(constraints, **{rule: getattr(Constraints(), rule)})
        if _solve_cover(without, n_tasks) is None:
            constraints = without
        else:
            needed.append(f"{rule}={getattr(constraints, rule)}")
    raise ValueError(
        f"the constraints must leave a grouping of the {n_tasks} tasks, but these conflict: "
        f"{', '.join(needed)}; relax one of them"
    )


def _solve_cover(constraints: Constraints, n_tasks: int) -> Members | None:
    """Return a feasible cover, or None: a feasibility program over memberships of slots."""
    for members in (np.ones((1, n_tasks), dtype=bool), constraints.blocks(n_tasks)):
        if is_feasible(constraints, members):  # all tasks together, or each block alone
            return members
    n_slots = constraints.most_groups(n_tasks)
    if n_slots == 0:
        return None
    from scipy.optimize import Bounds, LinearConstraint, milp  # a tenth of a second, here alone

    # Variables of each slot: whether it holds each task, is used, and holds more than one.
    tasks, none, held = np.eye(n_tasks), np.zeros(n_tasks), np.ones(n_tasks)
    rules = [  # of each slot: coefficients, and their sum at most
        (-held, constraints.min_size, 0, 0),
        (held, -(constraints.max_size or n_tasks), 0, 0),
        (held, -1, 1 - n_tasks, 0),
        (none, -1, 1, 0),
        *((tasks[i] - tasks[j], 0, 0, 0) for i, j in constraints.must_share),
        *((tasks[j] - tasks[i], 0, 0, 0) for i, j in constraints.must_share),
        *((tasks[i] + tasks[j], 0, 0, 1) for i, j in constraints.must_not_share),
    ]
    coefficients = csr_array(np.array([np.r_[rule[:3]] for rule in rules]))
    most = np.tile([rule[3] for rule in rules], n_slots)
    every = np.ones((1, n_slots))
    cost = np.r_[none, SINGLE_COST, MULTI_COST - SINGLE_COST][None]
    solved = milp(
        np.zeros(n_slots * (n_tasks + 2)),
        integrality=np.ones(n_slots * (n_tasks + 2)),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(kron(every, csr_array(np.eye(n_tasks, n_tasks + 2))), 1, np.inf),
            LinearConstraint(kron(eye_array(n_slots), coefficients), -np.inf, most),
            LinearConstraint(kron(every, csr_array(cost)), -np.inf, constraints.budget),
        ],
    )
    if solved.x is None:
        return None
    members = solved.x.reshape(n_slots, n_tasks + 2)[:, :n_tasks] > 0.5
    return members[members.any(axis=1)]


def is_feasible(constraints: Constraints, members: Members) -> bool:
    """Return whether non-empty groups (n_groups, n_tasks) hold every task and keep every rule."""
    enough = constraints.max_groups is None or len(members) <= constraints.max_groups
    affordable = bool(constraints.costs(members).sum() <= constraints.budget)
    covered = bool(members.any(axis=0).all())
    return enough and affordable and covered and bool(constraints.allows(members).all())
