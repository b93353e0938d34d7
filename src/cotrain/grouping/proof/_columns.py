"""Column generation: the linear relaxation over all groups, its bound, and the last program.

Notation: a column is a group together with the tasks that it serves. prices[i] is the dual of
"task i is served once", cost_price that of the cost budget, group_price that of the number of
groups. A group's surplus is the sum over members of max(weighted score − price, 0), less
cost_price times its cost: the most that any column of the group adds at these prices.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array, eye_array, hstack

from cotrain.grouping.proof._bounds import Clock, task_bounds
from cotrain.grouping.value import Floats, Members, Objective


@dataclass(frozen=True)
class Priced:
    """Groups found at given prices: the best of them, and a bound on every group's surplus."""

    members: Members
    scores: Floats
    surplus: Floats
    most: float


PROVE_EVERY = 8
"""Rounds of quick pricing between two proofs of a bound."""
ROUNDS = 1000
"""Rounds of pricing at most."""
BRANCHES = 20_000
"""Nodes of an integer program at most."""


class Oracle(Protocol):
    """All groups that the constraints allow, searched by surplus."""

    shares: tuple[float, ...]
    """Shares of the centre in the prices that quick pricing is asked at in each round."""

    def quick(self, prices: Floats, cost_price: float, limit: int) -> Priced:
        """Return up to `limit` groups of positive surplus, with no claim to the largest."""
        ...

    def best(
        self, prices: Floats, cost_price: float, above: float, limit: int, *, thorough: bool
    ) -> Priced:
        """Return up to `limit` groups of surplus above `above`, and the largest surplus.

        `most` is inf where the search was cut short, which may come early if not `thorough`.
        """
        ...

    def all_above(self, prices: Floats, cost_price: float, above: float, limit: int) -> Priced:
        """Return all groups of surplus at least `above`; `most` is inf if more than `limit`."""
        ...


@dataclass(frozen=True)
class Relaxation:
    """A bound, and the prices that prove it."""

    bound: float
    prices: Floats
    cost_price: float
    group_price: float


class Columns:
    """The restricted master program over the columns found so far."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._columns: dict[bytes, tuple[Members, Members, float, float]] = {}

    def add(self, members: Members, scores: Floats, served: Members) -> int:
        """Add the columns that are new; return how many were."""
        before = len(self._columns)
        costs = self.objective.constraints.costs(members)
        for member, score, serves, cost in zip(members, scores, served, costs, strict=True):
            if serves.any():
                column = (member, serves, float(score[serves].sum()), float(cost))
                self._columns.setdefault(member.tobytes() + serves.tobytes(), column)
        return len(self._columns) - before

    def _program(self) -> tuple[Members, csr_array, Floats, Floats]:
        """Return members, who is served (n_tasks, n_columns), and each column's value and cost."""
        members, served, values, costs = map(np.array, zip(*self._columns.values(), strict=True))
        return members, csr_array(served.astype(float).T), values, costs

    def solve(self) -> Relaxation:
        """Return the value of the relaxation over these columns, and its prices."""
        constraints = self.objective.constraints
        _, served, values, costs = self._program()
        budget, limits = [np.ones(len(values))], [float(self.objective.most_groups)]
        if constraints.max_cost is not None:
            budget.append(costs)
            limits.append(constraints.max_cost)
        solved = linprog(
            -values,
            A_ub=np.array(budget),
            b_ub=limits,
            A_eq=served,
            b_eq=np.ones(self.objective.n_tasks),
            bounds=(0, None),
            method="highs-ds",
        )
        group_price, *cost_price = np.maximum(-solved.ineqlin.marginals, 0)
        prices = -solved.eqlin.marginals
        return Relaxation(-solved.fun, prices, float(sum(cost_price)), float(group_price))

    def best_grouping(self, clock: Clock) -> Members | None:
        """Return the best grouping that these columns make, or None if none was found."""
        members, served, values, costs = self._program()
        most = [self.objective.most_groups, self.objective.constraints.budget]
        solved = milp(
            -values,
            integrality=np.ones(len(values)),
            bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(served, 1, 1),
                LinearConstraint(np.array([np.ones(len(values)), costs]), -np.inf, most),
            ],
            options={"node_limit": BRANCHES // 10, "time_limit": clock.left},
        )
        clock.is_over()
        return None if solved.x is None else members[solved.x > 0.5]


def relax(
    objective: Objective, oracle: Oracle, start: Members, clock: Clock, batch: int = 60
) -> tuple[Relaxation, Members | None]:
    """Return the relaxation's bound and the best grouping of the groups met on the way.

    Columns of positive surplus are added until none is left.

    Any prices give a valid bound (Lagrange): sum of prices + budget · cost price + number of
    groups · largest surplus. The best seen is kept, so that stopping early is safe.
    """
    columns = Columns(objective)
    scores = objective.weighted(start)
    serving = scores.argmax(axis=0)[None, :] == np.arange(len(start))[:, None]
    columns.add(start, scores, serving)
    slack = 1e-10 * max(1.0, abs(float(scores.max(axis=0).sum())))
    ceiling = np.asarray(objective.weights) * task_bounds(objective)
    known = np.isfinite(ceiling).all()
    best = Relaxation(float(ceiling.sum()) if known else np.inf, ceiling, 0.0, 0.0)
    # The centre: the prices whose bound looks best to quick pricing. Prices between it and the
    # newest swing less than those of the linear program alone (Wentges 1997).
    centre = best if np.isfinite(best.bound) else None
    for rounds in range(1, ROUNDS + 1):
        if clock.is_over():
            break
        newest = columns.solve()
        if best.bound <= newest.bound + slack:
            break
        # A price above what any group gives the task can be lowered to it at no loss.
        newest = replace(newest, prices=np.minimum(newest.prices, ceiling))
        added = 0
        for share in oracle.shares if centre is not None else (0.0,):
            mixed = newest if centre is None else _between(newest, centre, share)
            found = oracle.quick(mixed.prices, mixed.cost_price, batch)
            added += _add_useful(columns, newest, found, slack)
            guess = _lagrange(objective, mixed, float(found.surplus.max(initial=0.0)))
            centre = guess if centre is None or guess.bound < centre.bound else centre
        if added and rounds % PROVE_EVERY:
            continue
        tried = centre if added and centre is not None else newest
        found = oracle.best(
            tried.prices, tried.cost_price, tried.group_price, batch, thorough=not added
        )
        proven = _lagrange(objective, tried, found.most)
        best = min(best, proven, key=lambda relaxation: relaxation.bound)
        if tried is centre:
            centre = proven if np.isfinite(proven.bound) else centre
        if _add_useful(columns, newest, found, slack) == 0 and not added:
            break
    return best, columns.best_grouping(clock)


def _between(newest: Relaxation, centre: Relaxation, share: float) -> Relaxation:
    """Return prices that are `share` the centre's and the rest the newest's."""
    prices = share * centre.prices + (1 - share) * newest.prices
    cost_price = share * centre.cost_price + (1 - share) * newest.cost_price
    return Relaxation(np.inf, prices, cost_price, 0.0)


def _add_useful(columns: Columns, newest: Relaxation, found: Priced, slack: float) -> int:
    """Add the columns that raise the program's value at its newest prices; return how many."""
    margin = np.maximum(found.scores - newest.prices, 0.0)
    cost = newest.cost_price * columns.objective.constraints.costs(found.members)
    useful = margin.sum(axis=1) - cost > newest.group_price + slack
    return columns.add(found.members[useful], found.scores[useful], margin[useful] > 0)


def _lagrange(objective: Objective, at: Relaxation, most: float) -> Relaxation:
    """Return the bound at these prices if no group's surplus exceeds `most`."""
    budget = objective.constraints.max_cost or 0.0
    bound = float(at.prices.sum() + budget * at.cost_price + objective.most_groups * max(most, 0))
    return Relaxation(bound, at.prices, at.cost_price, max(most, 0.0))


def close_gap(
    objective: Objective,
    oracle: Oracle,
    relaxation: Relaxation,
    incumbent: Members,
    clock: Clock,
    limit: int = 20_000,
) -> tuple[Members, float]:
    """Return the best grouping and its bound, from the groups that reduced costs cannot rule out.

    A grouping better than the incumbent uses no group whose surplus falls short of the group
    price by more than the gap; what is left is a small integer program.
    """
    value = objective.score(incumbent)
    gap = relaxation.bound - value
    above = relaxation.group_price - gap - 1e-9 * max(1.0, abs(value))
    left = oracle.all_above(relaxation.prices, relaxation.cost_price, above, limit)
    if not np.isfinite(left.most):
        return incumbent, relaxation.bound
    margin = left.scores - relaxation.prices
    useful = left.surplus[:, None] + np.minimum(margin, 0) >= above
    rows, bound = choose(
        left.scores,
        useful,
        objective.constraints.costs(left.members),
        most_groups=objective.most_groups,
        max_cost=objective.constraints.budget,
        node_limit=BRANCHES,
        time_limit=clock.left,
        mip_rel_gap=0.0,
    )
    clock.is_over()
    bound = max(value, min(bound, relaxation.bound))
    if rows is not None and objective.score(left.members[rows]) > value:
        found = left.members[rows]
        return found, max(bound, objective.score(found))
    return incumbent, bound


def choose(
    scores: Floats,
    useful: Members,
    costs: Floats,
    most_groups: int,
    max_cost: float,
    **options: float,
) -> tuple[np.ndarray | None, float]:
    """Return the rows of the best choice of groups, or None, and a bound on its value.

    Each task is served by one chosen group; the value is the sum of the scores (n_groups, n_tasks)
    where a group is `useful` to a task. `options` are those of `scipy.optimize.milp`.
    """
    n_groups, n_tasks = useful.shape
    group, task = np.nonzero(useful)
    n_serves = len(group)
    pair, ones = np.arange(n_serves), np.ones(n_serves)
    worth = scores[group, task]
    served = coo_array((ones, (task, pair)), shape=(n_tasks, n_serves))
    needs = coo_array((-ones, (pair, group)), shape=(n_serves, n_groups))
    limits = np.zeros((2, n_serves + n_groups))
    limits[:, n_serves:] = np.ones(n_groups), costs
    rules = [
        LinearConstraint(hstack([served, csr_array((n_tasks, n_groups))], format="csr"), 1, 1),
        LinearConstraint(hstack([eye_array(n_serves), needs], format="csr"), -np.inf, 0),
        LinearConstraint(limits, -np.inf, [most_groups, max_cost]),
    ]
    solved = milp(
        np.concatenate([-worth, np.zeros(n_groups)]),
        integrality=np.concatenate([np.zeros(n_serves), np.ones(n_groups)]),
        bounds=Bounds(0, 1),
        constraints=rules,
        options=options,
    )
    if solved.status == 2:
        return None, -np.inf
    bound = np.inf if solved.mip_dual_bound is None else -float(solved.mip_dual_bound)
    return (None if solved.x is None else np.flatnonzero(solved.x[n_serves:] > 0.5)), bound
