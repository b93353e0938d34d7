"""What `validate` trains, and about that before a grouping is known."""

import math
from collections.abc import Mapping, Sequence

from cotrain.allocation import Fit, Rotation
from cotrain.comparison import Contest, Phase, make_candidates, make_ways
from cotrain.grouping import Grouping, random_groupings
from cotrain.settings import Settings
from cotrain.stages._repeats import final_repeats, fresh_repeats
from cotrain.tasks import TaskTable
from cotrain.training import Learners

# Groupings beside random ones that `group` may find, by clustering and by affinity: each task once.
_N_RIVALS = 2


def with_checkpoints(learners: Learners, network: str) -> Learners:
    """The learners with the stops of the joint one as learners too (ACS, 2025)."""
    stops = learners[f"{network}/together"].checkpoints()
    named = {f"{network} {name}/together": learner for name, learner in stops.items()}
    return Learners(learners | named)


def contest_of(
    settings: Settings,
    table: TaskTable,
    learners: Learners,
    grouping: Grouping,
    rivals: Mapping[str, Sequence[Grouping]],
    repeats: Sequence[Rotation],
    served_by: Sequence[int] = (),
) -> Contest:
    """A grouping against its rivals and the learners of the study.

    `learners` are those of `with_checkpoints`, `served_by` is as for `make_candidates`.
    """
    network, n_tasks = settings.plan.learner, table.n_tasks
    others = [name for name in settings.learners if name != network]
    stops = [f"{network} {name}" for name in learners[f"{network}/together"].checkpoints()]
    return Contest(
        table,
        make_ways(network, others, n_tasks, grouping, rivals, stops),
        make_candidates(network, others, n_tasks, grouping, served_by),
        Phase(repeats, settings.plan.subset_level),
        Phase(*final_repeats(settings, repeats)),
        {name for name, learner in learners.items() if learner.stops_early},
    )


def foreseen_fits(settings: Settings, table: TaskTable, learners: Learners) -> list[Fit]:
    """The fits of `validate` by groups that stand for those yet to be found.

    Groups that a search finds overlap, and hold half of the tasks each, about.
    """
    found, n_tasks = settings.validate_, table.n_tasks
    n_groups = min(settings.group.max_groups, n_tasks)
    halves = _groups(n_tasks, n_groups, n_tasks // 2 + 1)
    parts = _groups(n_tasks, n_groups, math.ceil(n_tasks / n_groups))
    rivals = {
        "random": random_groupings(halves, n_tasks, count=found.random_groupings, seed=0),
        "others": random_groupings(parts, n_tasks, count=_N_RIVALS, seed=1),
    }
    return contest_of(settings, table, learners, halves, rivals, fresh_repeats(settings)).needed


def _groups(n_tasks: int, n_groups: int, size: int) -> Grouping:
    """Groups of one size that begin at equal distances, round the tasks."""
    starts = [n_tasks * at // n_groups for at in range(n_groups)]
    return tuple(tuple(sorted((start + at) % n_tasks for at in range(size))) for start in starts)
