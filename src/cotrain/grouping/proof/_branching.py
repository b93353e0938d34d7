"""Groups of a linear value, searched by branch and bound: no list of all groups is needed.

Depth-first over tasks, in or out. With a_ij the weighted coefficients and c_i the weighted
intercept less the price, a partial group's surplus is at most the sum over tasks not yet out of
max(c_i + sum of a_ij over sources in + sum of max(a_ij, 0) over sources still free, 0).
"""

import numba
import numpy as np

from cotrain.grouping.proof._columns import Priced
from cotrain.grouping.value import Floats, LinearValue, Members, Objective
from cotrain.grouping.value._constraints import MULTI_COST, SINGLE_COST

QUICK_NODES = 30_000_000
THOROUGH_NODES = 300_000_000
"""Nodes after which a search gives up; its bound is then unknown."""
ALL_NODES = 3_000_000_000
"""Nodes of all searches of an oracle: some minutes."""


class LinearGroups:
    """An oracle for a linear value under limits on size and cost."""

    shares: tuple[float, ...] = (0.0, 0.4, 0.8)

    def __init__(self, objective: Objective, value: LinearValue) -> None:
        self.objective = objective
        self.rng = np.random.default_rng(0)
        self.nodes_left = ALL_NODES
        weights = np.asarray(objective.weights)
        self.offset = weights * value.intercept
        self.coef = np.ascontiguousarray(weights[:, None] * value.coef)

    def quick(self, prices: Floats, cost_price: float, limit: int) -> Priced:
        """Return up to `limit` groups of positive surplus, from local search."""
        least = self.objective.constraints.min_size
        most = self.objective.constraints.max_size or len(prices)
        # From random groups, every time others.
        sizes = self.rng.integers(least, most + 1, size=limit)
        ranks = self.rng.random((limit, len(prices))).argsort(axis=1).argsort(axis=1)
        starts = ranks < sizes[:, None]
        members, surplus = _ascend(self.offset - prices, self.coef, least, most, cost_price, starts)
        _, first = np.unique(members, axis=0, return_index=True)
        first = first[surplus[first] > 0]
        return self._priced(members[first], surplus[first], np.inf)

    def best(
        self, prices: Floats, cost_price: float, above: float, limit: int, *, thorough: bool
    ) -> Priced:
        nodes = THOROUGH_NODES if thorough else QUICK_NODES
        return self._search(prices, cost_price, above, limit, nodes, rising=thorough)

    def all_above(self, prices: Floats, cost_price: float, above: float, limit: int) -> Priced:
        return self._search(prices, cost_price, above, limit, THOROUGH_NODES, rising=False)

    def _search(
        self,
        prices: Floats,
        cost_price: float,
        above: float,
        limit: int,
        nodes: int,
        *,
        rising: bool,
    ) -> Priced:
        constraints = self.objective.constraints
        linear = self.offset - prices
        # Tasks that matter most come first, so that the bound falls early.
        order = np.argsort(-np.abs(self.coef).sum(axis=0) - np.abs(self.coef).sum(axis=1))
        found, surplus, nodes, complete = _branch(
            linear[order],
            np.ascontiguousarray(self.coef[np.ix_(order, order)]),
            constraints.min_size,
            constraints.max_size or len(order),
            cost_price,
            above,
            limit,
            rising,
            min(nodes, self.nodes_left),
        )
        self.nodes_left -= nodes
        members = np.zeros_like(found)
        members[:, order] = found
        most = max(above, float(surplus.max(initial=-np.inf))) if complete else np.inf
        return self._priced(members, surplus, most)

    def _priced(self, members: Members, surplus: Floats, most: float) -> Priced:
        # Pairs that must or must not share are left to this filter: the bound stays valid.
        kept = self.objective.constraints.allows(members)
        members = members[kept]
        return Priced(members, self.objective.weighted(members), surplus[kept], most)


@numba.njit(cache=True, fastmath={"reassoc", "nsz"})  # sums in vectors
def _branch(
    linear: Floats,
    coef: Floats,
    min_size: int,
    max_size: int,
    cost_price: float,
    above: float,
    limit: int,
    rising: bool,
    max_nodes: int,
) -> tuple[Members, Floats, int, bool]:
    """Return groups of surplus >= above, their surplus, nodes seen, and if all were looked at.

    `rising`: keep the `limit` best only, and raise `above` as better ones are found.
    """
    n = len(linear)
    found = np.zeros((limit, n), dtype=np.bool_)
    surplus = np.full(limit, -np.inf)
    n_found = 0
    # loss[2 j, i] and loss[2 j + 1, i]: what task j in, or out, takes from the most that i can add.
    loss = np.empty((2 * n, n))
    for j in range(n):
        for i in range(n):
            loss[2 * j, i] = -min(coef[i, j], 0.0)
            loss[2 * j + 1, i] = max(coef[i, j], 0.0)
        loss[2 * j + 1, j] = np.inf
    # reach[depth, i]: the most that task i can add once the first `depth` tasks are decided.
    reach = np.empty((n + 1, n))
    for i in range(n):
        reach[0, i] = linear[i] + np.maximum(coef[i], 0.0).sum()
    choice = np.full(n, -1, dtype=np.int8)  # -1: not tried; 0: in, being tried; 1: out
    size = np.zeros(n + 1, dtype=np.int64)
    depth = 0
    nodes = 0
    while depth >= 0:
        if choice[depth] == 1:
            choice[depth] = -1
            depth -= 1
            continue
        choice[depth] += 1
        nodes += 1
        if nodes > max_nodes:
            return found[:n_found], surplus[:n_found], nodes, False
        inside = size[depth] + 1 - choice[depth]
        if inside > max_size or inside + n - depth - 1 < min_size:
            continue
        cost = cost_price * (MULTI_COST if inside > 1 else SINGLE_COST)
        row, total = 2 * depth + choice[depth], 0.0
        for i in range(n):
            value = reach[depth, i] - loss[row, i]
            reach[depth + 1, i] = value
            total += value if value > 0.0 else 0.0
        if total - cost_price * SINGLE_COST < above:
            continue
        if depth < n - 1:
            depth += 1
            size[depth] = inside
            continue
        if inside > 0 and total - cost >= above:
            if n_found < limit:
                slot = n_found
                n_found += 1
            elif rising:
                slot = int(np.argmin(surplus))
            else:
                return found, surplus, nodes, False
            surplus[slot] = total - cost
            found[slot] = choice == 0
            if rising and n_found == limit:
                above = max(above, surplus.min())
    return found[:n_found], surplus[:n_found], nodes, True


@numba.njit(cache=True)
def _ascend(
    linear: Floats, coef: Floats, min_size: int, max_size: int, cost_price: float, starts: Members
) -> tuple[Members, Floats]:
    """Return the groups that flips of one task lead to from `starts`, and their surplus."""
    n_starts, n = starts.shape
    members = starts.copy()
    surplus = np.empty(n_starts)
    for start in range(n_starts):
        group = members[start]
        reach = linear.copy()
        for j in range(n):
            if group[j]:
                reach += coef[:, j]
        size = group.sum()
        # A sweep of flips ends when `calm` flips in a row did not help.
        calm, j = 0, 0
        while calm < n:
            grows = not group[j]
            if (size + 1 <= max_size) if grows else (size - 1 >= min_size):
                gain = max(reach[j], 0.0) if grows else -max(reach[j], 0.0)
                sign = 1.0 if grows else -1.0
                for i in range(n):
                    if group[i] and i != j:
                        gain += max(reach[i] + sign * coef[i, j], 0.0) - max(reach[i], 0.0)
                if grows and size == 1:
                    gain -= cost_price * (MULTI_COST - SINGLE_COST)
                elif not grows and size == 2:
                    gain += cost_price * (MULTI_COST - SINGLE_COST)
                if gain > 1e-14:
                    group[j] = grows
                    size += 1 if grows else -1
                    reach += sign * coef[:, j]
                    calm = 0
            calm += 1
            j = (j + 1) % n
        total = -cost_price * (MULTI_COST if size > 1 else SINGLE_COST)
        for i in range(n):
            if group[i]:
                total += max(reach[i], 0.0)
        surplus[start] = total
    return members, surplus
