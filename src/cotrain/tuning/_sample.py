"""What a trial trains: as many fits of some tasks as a budget allows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cotrain.allocation import Fit, Rotation, Way, subset_fit
from cotrain.tasks import TaskTable
from cotrain.training import Learner

# Tasks whose single-task fits a trial trains at most; groups are drawn to hold about as many.
MAX_TASKS = 30
_GROUP = (3, 6)  # members of a group, from and to
_FEWEST = {"single": 5, "group": 2, "together": 1}  # models of a repeat that a budget leaves


@dataclass(frozen=True)
class Sample:
    """What one trial trains."""

    # After each the trial is dropped if it falls behind the best one
    rungs: tuple[tuple[Fit, ...], ...]
    # What all fits take on one core with the settings as they are, by the learner's cost model
    seconds: float


def sample_fits(
    way: Way,
    learner: Learner,
    table: TaskTable,
    level: int,
    repeats: Sequence[Rotation],
    seed: int,
    seconds: float,
) -> Sample | None:
    """The fits of a trial that take about `seconds` or less, as far as that goes.

    First fewer tasks or groups are trained, then fewer repeats. The draw of tasks depends on the
    seed alone. None where the table has too few tasks for this way.
    """
    members = _members(way, table.n_tasks, np.random.default_rng([seed, len(way)]))
    if not members:
        return None
    every = [
        [subset_fit(table.n_tasks, one, level, rotation, way) for rotation in repeats]
        for one in members
    ]
    for n_repeats in range(len(repeats), 0, -1):
        for n_models in range(len(members), min(_FEWEST[way], len(members)) - 1, -1):
            models = [own[:n_repeats] for own in every[:n_models]]
            fits = [fit for own in models for fit in own]
            took = float(np.sum(learner.cost(table, fits)))
            if took <= seconds or (n_repeats == 1 and n_models <= _FEWEST[way]):
                return Sample(_rungs(models), took)
    raise AssertionError


def _rungs(models: Sequence[Sequence[Fit]]) -> tuple[tuple[Fit, ...], ...]:
    """A third of the models first, if there are enough; models come with all their repeats."""
    first = -(-len(models) // 3)
    parts = [models] if len(models) < 4 else [models[:first], models[first:]]
    return tuple(tuple(fit for own in part for fit in own) for part in parts)


def _members(way: Way, n_tasks: int, rng: np.random.Generator) -> list[list[int]]:
    order = rng.permutation(n_tasks).tolist()
    if way == "single":
        return [[task] for task in order[:MAX_TASKS]]
    if way == "together":
        return [list(range(n_tasks))] if n_tasks > 1 else []
    low, high = (min(size, n_tasks - 1) for size in _GROUP)
    if high < 2:
        return []
    groups, at = [], 0
    while at < min(n_tasks, MAX_TASKS):
        size = int(rng.integers(low, high + 1))
        # The last group takes in tasks of the first.
        groups.append(sorted((order + order)[at : at + size]))
        at += size
    return groups
