"""Optuna's search for a grouping: in memory, every trial kept, warm-started, resumable."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cotrain.grouping._baselines import affinity_clusters, single_tasks, together
from cotrain.grouping._explore import SAMPLERS, Sampler, Trial, explore
from cotrain.grouping._local import greedy_groups
from cotrain.grouping._objective import (
    Grouping,
    GroupingResult,
    Objective,
    as_matrix,
    grouping_result,
)
from cotrain.grouping._storage import Storage, quiet

CHUNK = 500
"""Trials between two writes to the storage."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    best : GroupingResult
        The best grouping of all trials.
    trials : data frame
        One row a trial: number, value, n_groups, groups (text), and where it came from.
    front : data frame
        The best trial for each number of groups that no smaller number reaches: n_groups, value,
        groups.
    """

    best: GroupingResult
    trials: pd.DataFrame
    front: pd.DataFrame


def search_groups(
    objective: Objective,
    *,
    trials: int = 2000,
    sampler: Sampler = "moves",
    seed: int = 0,
    warm_start: Sequence[Grouping] | None = None,
    storage: str | None = None,
    study_name: str = "grouping",
    data_version: str = "",
    workers: int = 1,
) -> SearchResult:
    """Return the best grouping of `trials` trials, every trial, and the Pareto front.

    Two objectives: few groups, and a high value. Each trial draws one label a task: the group
    that serves it. Labels are made canonical, so that a partition is scored once. Auxiliary tasks
    are then added to groups while they raise the value.

    The search runs in memory and is written to the storage in chunks. A chunk depends on the
    trials before it and the seed alone: a search that was killed and started again finds the same.

    Parameters
    ----------
    objective : Objective
    trials : int
        Trials of the whole study, those already in the storage included.
    sampler : {"moves", "nsga2", "tpe", "random"}
        Moves from the best partitions so far, or one of Optuna's own.
    seed : int
        Programs that add to one study at the same time need different ones.
    warm_start : groupings, optional
        Tried first. Default: all together, each alone, clusterings and a local search.
    storage : str, optional
        A database's address such as sqlite:///study.db, or a path ending in .log for a journal.
        A study that is there is continued.
    study_name : str
    data_version : str
        Kept with the study; a study of another version is refused.
    workers : int
        Processes that search by moves; -1: one a core. Trials do not depend on it.

    Raises
    ------
    ValueError
        If the constraints cannot be met; the message names those that conflict.
    CotrainError
        If the storage holds a study of this name for other data, tasks or constraints.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler must be {', '.join(SAMPLERS[:-1])} or random, got {sampler}")
    store = None
    if storage is not None:
        store = Storage(storage, study_name, data_version, objective)
    past = [] if store is None else store.trials()
    if warm_start is None:
        warm_start = _starts(objective, seed) if len(past) < min(CHUNK, trials) else ()
    while len(past) < trials:
        chunk, n_kept = divmod(len(past), CHUNK)
        first = chunk * CHUNK
        starts = warm_start if chunk == 0 else ()
        n_trials = min(CHUNK, trials - first)
        with quiet():
            found = explore(
                objective, past[:first], starts, n_trials, sampler, (seed, chunk), workers
            )
            if store is not None:
                store.add(found[n_kept:])
                past = store.trials()  # those of other programs as well
            else:
                past = past + found
    return _result(objective, past)


def pareto_front(trials: pd.DataFrame) -> pd.DataFrame:
    """Return, for each number of groups that pays, its best row of n_groups, value, groups."""
    ordered = trials.dropna(subset=["value"]).sort_values(
        ["n_groups", "value", "groups"], ascending=[True, False, True]
    )
    best = ordered.drop_duplicates("n_groups")
    rising = best["value"] > best["value"].cummax().shift(fill_value=-np.inf)
    return best.loc[rising, ["n_groups", "value", "groups"]].reset_index(drop=True)


def _starts(objective: Objective, seed: int) -> list[Grouping]:
    """Return groupings worth trying first: the obvious ones, clusterings, and a local search."""
    limit = objective.most_groups
    starts = [together(objective.n_tasks), single_tasks(objective.n_tasks)]
    sizes = {2, max(2, limit // 2), limit} & set(range(2, limit + 1))
    starts += [affinity_clusters(objective.value, size, seed=seed) for size in sorted(sizes)]
    starts.append(greedy_groups(objective, seed=seed, starts=1).groups)
    return starts


def _result(objective: Objective, trials: Sequence[Trial]) -> SearchResult:
    frame = pd.DataFrame(
        {
            "number": range(len(trials)),
            "value": [trial.value for trial in trials],
            "n_groups": [len(trial.groups) for trial in trials],
            "groups": [str([list(group) for group in trial.groups]) for trial in trials],
            "warm_start": [trial.warm_start for trial in trials],
        }
    )
    winner = max(trials, key=lambda trial: trial.value)  # the first of equals
    best = grouping_result(objective, as_matrix(winner.groups, objective.n_tasks))
    return SearchResult(best, frame, pareto_front(frame))
