"""What `validate` trains, before a grouping is known: about that."""

import numpy as np

from cotrain.allocation import Fit
from cotrain.grouping import random_groupings
from cotrain.settings import Settings
from cotrain.stages._repeats import final_repeats, study_repeats
from cotrain.tasks import TaskTable
from cotrain.training import Learners

# Groupings beside random ones that `group` may find: by clustering and by affinity.
_N_RIVALS = 2


def with_checkpoints(learners: Learners, network: str) -> Learners:
    """The learners with the stops of the joint one as learners too (ACS, 2025)."""
    stops = learners[f"{network}/together"].checkpoints()
    named = {f"{network} {name}/together": learner for name, learner in stops.items()}
    return Learners(learners | named)


def stops_of(learners: Learners, network: str) -> list[str]:
    """The names of those stops, without their way of training."""
    return [f"{network} {name}" for name in learners[f"{network}/together"].checkpoints()]


def foreseen_fits(settings: Settings, table: TaskTable, learners: Learners) -> list[Fit]:
    """The fits of `validate` by groups, equal and random, that stand for those yet to be found.

    `learners` are those of `with_checkpoints`.
    """
    from cotrain.comparison import Contest, Phase, make_ways  # scipy.stats, half a second

    network, found, n_tasks = settings.plan.learner, settings.validate_, table.n_tasks
    others = [name for name in settings.learners if name != network]
    parts = np.array_split(np.arange(n_tasks), min(settings.group.max_groups, n_tasks))
    groups = tuple(tuple(map(int, part)) for part in parts)
    n_rivals = found.random_groupings + _N_RIVALS
    rivals = {"rival": random_groupings(groups, n_tasks, count=n_rivals, seed=0)}
    repeats = study_repeats(settings, found.repeats, found.seed)
    return Contest(
        table,
        make_ways(network, others, n_tasks, groups, rivals, stops_of(learners, network)),
        [],
        Phase(repeats, settings.plan.subset_level),
        Phase(*final_repeats(settings, repeats)),
        {name for name, learner in learners.items() if learner.stops_early},
    ).needed
