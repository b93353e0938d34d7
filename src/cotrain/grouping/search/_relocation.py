"""Annealing and iterated local search for a linear value: a task's move costs n steps.

With a_ij the weighted coefficients, P the tasks that a group serves and A_j the sum of a_ij over
P, the group's best auxiliaries are the tasks with A_j above 0. It is worth the sum of A_j over P
and of max(A_j, 0) over the others. Moving a task changes A by one row.
"""

import numba
import numpy as np

from cotrain.grouping.value import Floats, LinearValue, Members, Objective

MOVES_PER_PAIR, MOST_MOVES = 400, 2_400_000
"""Moves that annealing proposes, times the square of the number of tasks; and at most."""
HOT, COLD = 6.0, 0.5
"""First and last temperature, in root mean squares of the weighted coefficients."""
KICKS = 300
"""Times that each start's best partition is disturbed and improved again."""


def relocate(objective: Objective, *, seed: int, starts: int) -> Members:
    """Return the groups (n_groups, n_tasks) that the search finds; `_local.suits` must hold.

    A lower confidence bound is searched by the linear value above it.
    """
    assert isinstance(objective.value, LinearValue)
    gain = np.asarray(objective.weights)[:, None] * objective.value.majorant().coef
    n_groups = objective.most_groups
    state = np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1)
    moves = min(MOVES_PER_PAIR * len(gain) ** 2, MOST_MOVES)
    labels = _search(np.ascontiguousarray(gain), n_groups, starts, moves, KICKS, state)
    served = labels == np.arange(objective.most_groups)[:, None]
    members = served | (served @ gain > 0)
    return members[served.any(axis=1)]


@numba.njit(cache=True)
def _search(
    gain: Floats, n_groups: int, starts: int, moves: int, kicks: int, state: np.ndarray
) -> np.ndarray:
    """Return the best labels (n_tasks,) of all starts, each searched in both ways.

    Kicks that merge and split find planted clusters, annealing does better on noise.
    """
    n = len(gain)
    best, best_value = np.zeros(n, np.int64), -np.inf
    for by_annealing in (False, True):
        draws = state.copy()
        for _ in range(starts):
            labels = np.array([_below(n_groups, draws) for _ in range(n)])
            if by_annealing:
                _anneal(labels, gain, n_groups, moves, draws)
                value = _descend(labels, gain, n_groups)
            else:
                labels, value = _kicked(labels, gain, n_groups, kicks, draws)
            if value > best_value:
                best, best_value = labels, value
    return best


@numba.njit(cache=True)
def _kicked(
    labels: np.ndarray, gain: Floats, n_groups: int, kicks: int, state: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the best labels of a start that is disturbed and improved again, and their value."""
    value = _descend(labels, gain, n_groups)
    for _ in range(kicks):
        other = _disturbed(labels, n_groups, state)
        found = _descend(other, gain, n_groups)
        if found >= value:
            labels, value = other, found
    return labels, value


@numba.njit(cache=True)
def _anneal(labels: np.ndarray, gain: Floats, n_groups: int, moves: int, state: np.ndarray) -> None:
    """Move single tasks by Metropolis' rule while it cools geometrically, changing `labels`."""
    n = len(labels)
    sums = np.zeros((n_groups, n))
    for i in range(n):
        sums[labels[i]] += gain[i]
    scale = np.sqrt((gain * gain).mean())
    for move in range(moves):
        i, target = _below(n, state), _below(n_groups, state)
        source = labels[i]
        if source == target:
            continue
        change = _change(i, source, -1.0, labels, sums, gain)
        change += _change(i, target, 1.0, labels, sums, gain)
        temperature = scale * HOT * (COLD / HOT) ** (move / moves)
        if change > temperature * np.log((1 + _below(1 << 30, state)) / (1 << 30)):
            sums[source] -= gain[i]
            sums[target] += gain[i]
            labels[i] = target


@numba.njit(cache=True)
def _descend(labels: np.ndarray, gain: Floats, n_groups: int) -> float:
    """Move single tasks while that helps, changing `labels`; return the value reached."""
    n = len(labels)
    sums = np.zeros((n_groups, n))
    for i in range(n):
        sums[labels[i]] += gain[i]
    calm, i = 0, 0
    while calm < n:
        source = labels[i]
        less = _change(i, source, -1.0, labels, sums, gain)
        most, target = 1e-13, -1
        for group in range(n_groups):
            if group != source:
                change = less + _change(i, group, 1.0, labels, sums, gain)
                if change > most:
                    most, target = change, group
        if target >= 0:
            sums[source] -= gain[i]
            sums[target] += gain[i]
            labels[i] = target
            calm = 0
        calm += 1
        i = (i + 1) % n
    total = 0.0
    for group in range(n_groups):
        for j in range(n):
            total += sums[group, j] if labels[j] == group else max(sums[group, j], 0.0)
    return total


@numba.njit(cache=True)
def _change(
    i: int, group: int, sign: float, labels: np.ndarray, sums: Floats, gain: Floats
) -> float:
    """Return what a group is worth more once it serves task i (`sign` 1), or no longer (-1)."""
    change = sign * (sums[group, i] - max(sums[group, i], 0.0))
    for j in range(len(labels)):
        if j != i:
            if labels[j] == group:
                change += sign * gain[i, j]
            else:
                changed = sums[group, j] + sign * gain[i, j]
                change += max(changed, 0.0) - max(sums[group, j], 0.0)
    return change


@numba.njit(cache=True)
def _disturbed(labels: np.ndarray, n_groups: int, state: np.ndarray) -> np.ndarray:
    """Return labels with a few tasks relocated, a group dissolved, or two groups dealt anew."""
    labels = labels.copy()
    one, other = _below(n_groups, state), _below(n_groups, state)
    third = _below(n_groups, state)
    kind = _below(10, state)
    if kind < 6:
        for _ in range(2 + _below(2 + len(labels) // 10, state)):
            labels[_below(len(labels), state)] = _below(n_groups, state)
        return labels
    for i in range(len(labels)):
        if kind >= 8 and (labels[i] == one or labels[i] == other):
            labels[i] = one if _below(2, state) else other
        elif kind < 8 and labels[i] == one:
            labels[i] = other
        elif kind < 8 and labels[i] == third and _below(2, state):
            labels[i] = one
    return labels


@numba.njit(cache=True)
def _below(limit: int, state: np.ndarray) -> int:
    """Return a random integer below `limit`: Marsaglia's xorshift* (2003), quick to compile."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return int((x * np.uint64(2685821657736338717)) >> np.uint64(33)) % limit
