"""From a partition of the tasks to groups: each group with the auxiliaries that help it."""

from dataclasses import replace

import numpy as np

from cotrain.grouping.value import Members, Objective


def pack(objective: Objective, labels: np.ndarray) -> Members | None:
    """Return the partition (n_groups, n_tasks) of the blocks by `labels`, or None if stuck.

    A block whose group is full, or holds a task it must not share with, goes to the next group
    with room.
    """
    n_slots, blocks = objective.most_groups, objective.blocks
    largest = objective.constraints.max_size or objective.n_tasks
    if largest == objective.n_tasks and not objective.constraints.must_not_share:
        members = (labels % n_slots == np.arange(n_slots)[:, None]) @ blocks
        return members[members.any(axis=1)]
    forbidden = np.zeros((objective.n_tasks, objective.n_tasks), dtype=bool)
    for i, j in objective.constraints.must_not_share:
        forbidden[i, j] = forbidden[j, i] = True
    members = np.zeros((n_slots, objective.n_tasks), dtype=bool)
    for block, label in zip(blocks, labels, strict=True):
        against = forbidden[block].any(axis=0)
        for shift in range(n_slots):
            row = members[(int(label) + shift) % n_slots]
            if row.sum() + block.sum() <= largest and not (against & row).any():
                row |= block
                break
        else:
            return None
    return members[members.any(axis=1)]


def add_auxiliaries(objective: Objective, served: Members) -> Members:
    """Return a group (n_tasks,) that holds the tasks served and the auxiliaries that help them.

    Blocks are ranked by what each adds alone; the best prefix of that order joins, until none
    helps. Exact for a linear value without pairs that must not share, because there sources do
    not depend on each other.
    """
    if objective.free_gain is not None:
        return served | (served @ objective.free_gain > 0)
    blocks = objective.blocks
    may_grow = replace(objective.constraints, min_size=1)
    members, total = served, -np.inf
    while True:
        grown = members | blocks
        alone = objective.served(grown, served)
        alone[~may_grow.allows(grown)] = -np.inf
        order = np.argsort(-alone, kind="stable")
        prefixes = members | np.logical_or.accumulate(blocks[order], axis=0)
        candidates = np.vstack([members, prefixes])
        totals = objective.served(candidates, served)
        totals[~objective.constraints.allows(candidates)] = -np.inf
        winner = int(totals.argmax())
        if not totals[winner] > total + 1e-12 * max(1.0, abs(totals[winner])):
            return members
        members, total = candidates[winner], totals[winner]
