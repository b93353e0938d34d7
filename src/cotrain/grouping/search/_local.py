"""Local search from many starts: adds, removes and relocates tasks while the value rises."""

from collections.abc import Iterable
from importlib.util import find_spec
from itertools import permutations

import numpy as np

from cotrain.grouping.search._auxiliaries import add_auxiliaries, pack
from cotrain.grouping.search._baselines import single_tasks, together
from cotrain.grouping.value import (
    GroupingResult,
    LinearValue,
    Members,
    Objective,
    as_groups,
    feasible_cover,
    grouping_result,
    simplest,
)
from cotrain.grouping.value._constraints import MULTI_COST

MOST_STARTS, STARTS_TIMES_TASKS = 10, 480
"""Random starts unless they are given: fewer for more than 48 tasks."""
FEW_TASKS, STARTS_OF_FEW = 12, 40
"""So few are searched with more starts, in less time than the compiled search takes to compile."""


def greedy_groups(objective: Objective, *, seed: int, starts: int | None = None) -> GroupingResult:
    """Return the best grouping that local search finds from `starts` random starts.

    A linear value of more than 12 tasks without rules but the number of groups is searched in
    compiled code: from each start by annealing, and by disturbing and improving it many times over.
    Where numba is not installed it is searched as any other.

    Parameters
    ----------
    objective : Objective
    seed : int
    starts : int, optional
        Default: 40 up to 12 tasks, 10 up to 48, fewer beyond.

    Raises
    ------
    ValueError
        If the constraints cannot be met; the message names those that conflict.
    """
    if starts is None:
        most = STARTS_OF_FEW if objective.n_tasks <= FEW_TASKS else MOST_STARTS
        starts = max(1, min(most, STARTS_TIMES_TASKS // objective.n_tasks))
    rng = np.random.default_rng(seed)
    best = feasible_cover(objective.constraints, objective.n_tasks)
    if objective.is_flat:
        n_tasks = objective.n_tasks
        return simplest(objective, [as_groups(best), together(n_tasks), single_tasks(n_tasks)])
    if suits(objective):
        from cotrain.grouping.search._relocation import relocate  # needs numba

        found = improve(objective, relocate(objective, seed=seed, starts=starts))
        return grouping_result(objective, max(best, found, key=objective.score))
    best = improve(objective, best)
    for _ in range(starts):
        start = random_members(objective, rng)
        if start is not None:
            found = improve(objective, start)
            if objective.score(found) > objective.score(best):
                best = found
    return grouping_result(objective, best)


def suits(objective: Objective) -> bool:
    """Return whether the compiled search serves: many tasks, a linear value, no rule but `k`."""
    is_linear = isinstance(objective.value, LinearValue) and objective.constraints.is_count_alone
    return objective.n_tasks > FEW_TASKS and is_linear and find_spec("numba") is not None


def random_members(objective: Objective, rng: np.random.Generator) -> Members | None:
    """Return random groups (n_groups, n_tasks) within the size limits, or None if stuck.

    Blocks of tasks go to random groups with room, which then take the auxiliaries that help.
    """
    limit = int(min(objective.most_groups, max(1.0, objective.constraints.budget / MULTI_COST)))
    packed = pack(objective, rng.integers(limit, size=len(objective.blocks)))
    if packed is None:
        return None
    members = np.array([add_auxiliaries(objective, row) for row in packed])
    return next((found for found in (members, packed) if np.isfinite(objective.score(found))), None)


def improve(objective: Objective, members: Members) -> Members:
    """Return groups at which no single addition, removal or relocation raises the value."""
    state = _State(objective, members)
    while state.step():
        pass
    return state.members[state.members.any(axis=1)]


class _State:
    """Groups in slots, with every one-block change of every slot scored once."""

    def __init__(self, objective: Objective, members: Members) -> None:
        self.objective = objective
        self.blocks = objective.blocks
        self.members = np.zeros((objective.most_groups, objective.n_tasks), dtype=bool)
        self.members[: len(members)] = members
        n_slots, (n_blocks, n_tasks) = len(self.members), self.blocks.shape
        self.scores = np.full((n_slots, n_tasks), -np.inf)
        self.changed = np.empty((n_slots, n_blocks, n_tasks))
        self.costs = objective.constraints.costs(self.members)
        self.changed_costs = np.empty((n_slots, n_blocks))
        for slot in range(n_slots):
            self._score(slot)

    def _score(self, slot: int) -> None:
        """Score a slot as it is and after each change of one block."""
        candidates = np.vstack([self.members[slot], self.members[slot] ^ self.blocks])
        constraints = self.objective.constraints
        scores, costs = self.objective.weighted(candidates), constraints.costs(candidates)
        # An empty slot is no group: allowed, and serves nobody.
        filled, allowed = candidates.any(axis=1), constraints.allows(candidates)
        scores[~(filled & allowed)] = -np.inf
        costs[filled & ~allowed] = np.inf
        self.scores[slot], self.changed[slot] = scores[0], scores[1:]
        self.costs[slot], self.changed_costs[slot] = costs[0], costs[1:]

    def step(self) -> bool:
        """Apply the best improving change; return whether there was one."""
        every, held = np.arange(len(self.blocks)), self.members @ self.blocks.T.astype(int) > 0
        slots = range(len(self.members))
        changes = self._best(((slot,), every) for slot in slots) or self._best(
            ((source, target), np.flatnonzero(held[source] & ~held[target]))
            for source, target in permutations(slots, 2)
        )
        for slot, block in changes:
            self.members[slot] ^= self.blocks[block]
            self._score(slot)
        return bool(changes)

    def _best(self, tried: Iterable[tuple[tuple[int, ...], np.ndarray]]) -> list[tuple[int, int]]:
        """Return the slots and the block whose change helps most, of slots and blocks tried."""
        best = float(self.scores.max(axis=0).sum())
        best += 1e-12 * max(1.0, abs(best)) if np.isfinite(best) else 0.0
        budget = self.objective.constraints.budget
        changes: list[tuple[int, int]] = []
        for slots, blocks in tried:
            if len(blocks) == 0:
                continue
            scores = np.delete(self.scores, slots, axis=0).max(axis=0, initial=-np.inf)
            extra = np.zeros(len(blocks))
            for slot in slots:
                scores = np.maximum(scores, self.changed[slot][blocks])
                extra += self.changed_costs[slot][blocks] - self.costs[slot]
            totals = scores.sum(axis=-1)
            totals[~np.isfinite(extra) | (self.costs.sum() + extra > budget)] = -np.inf
            winner = int(totals.argmax())
            if totals[winner] > best:
                best = totals[winner]
                changes = [(slot, int(blocks[winner])) for slot in slots]
        return changes
