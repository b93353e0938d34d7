"""A bound for many tasks: a semidefinite relaxation of who is served with whom, and sees whom.

For each of the k groups let x be 1 for the tasks that it serves and 0 for others, and t be 1 for
its members and −1 for others. The sum X of (1, x, t)(1, x, t)ᵀ over the groups is positive
semidefinite, and every entry has limits of its own: k at the corner, [0, 1] between two tasks
served and 1 for a task with itself, [−1, 1] between a task served and a member, 1 where they are
the same task, and [−k, k] between members. X_xt, of tasks served and members, is T of `_bounds`.

For every positive semidefinite M and C with <C, X> = <B, X_xt>, <C, X> is at most <C + M, X>, which
is at most the sum over entries of the larger of that matrix times the upper or the lower limit. Any
M is valid; the alternating direction method of multipliers (Wen, Goldfarb and Yin 2010) finds a
good one.
"""

import numpy as np

from cotrain.grouping.proof._bounds import Clock, signed_bound
from cotrain.grouping.value import Floats, Objective

BOUND_EVERY = 10
"""Steps between two looks at the bound."""


def semidefinite_bound(objective: Objective, clock: Clock, *, steps: int = 150) -> float:
    """Return a bound on the value of a linear objective; valid whenever it is stopped.

    Limits on size and on pairs are not used.
    """
    n_groups = objective.most_groups
    return signed_bound(objective, lambda gain: _relaxed(gain, n_groups, clock, steps))


def _relaxed(gain: Floats, n_groups: int, clock: Clock, steps: int) -> float:
    """Return a bound on <B, X_xt>, the gain being B."""
    lower, upper = _limits(len(gain), n_groups)
    wanted = np.zeros_like(lower)
    served, member = _blocks(len(gain))
    wanted[served, member] = gain / 2
    wanted[member, served] = gain.T / 2
    bound = float(np.abs(gain).sum())
    # X lies within the limits, Y in the cone; `apart` adds up by how much they differ.
    within = (lower + upper) / 2
    apart = np.zeros_like(wanted)
    step = 4 * np.linalg.norm(wanted) / np.linalg.norm(upper) + 1e-300
    for done in range(1, steps + 1):
        # The positive semidefinite matrix that is closest to the difference.
        values, vectors = np.linalg.eigh(apart - within)
        half = vectors[:, values > 0] * np.sqrt(values[values > 0])
        multiplier = half @ half.T
        moved = within + multiplier  # the matrix in the cone, plus `apart`
        within = np.clip(moved + wanted / step, lower, upper)
        apart = moved - within
        if done % BOUND_EVERY == 0 or done == steps:
            slope = wanted + step * multiplier
            bound = min(bound, float(np.maximum(slope * lower, slope * upper).sum()))
        if clock.is_over():
            break
    return bound


def _blocks(n_tasks: int) -> tuple[slice, slice]:
    """Return where X holds tasks served, and members."""
    return slice(1, n_tasks + 1), slice(n_tasks + 1, 2 * n_tasks + 1)


def _limits(n_tasks: int, n_groups: int) -> tuple[Floats, Floats]:
    """Return the least and the largest that each entry of X can be."""
    served, member = _blocks(n_tasks)
    upper = np.full((2 * n_tasks + 1, 2 * n_tasks + 1), float(n_groups))
    upper[served] = upper[:, served] = 1.0
    lower = -upper
    lower[served, served] = 0.0
    lower[0, 0] = n_groups
    lower[0, served] = lower[served, 0] = 1.0
    for one, other in ((served, served), (served, member), (member, served), (member, member)):
        np.fill_diagonal(lower[one, other], upper[one, other].diagonal())
    return lower, upper
