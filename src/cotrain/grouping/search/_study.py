"""Optuna's search for a grouping: a study of two objectives that can be continued."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from cotrain.grouping.search._baselines import (
    pairwise_scores,
    single_tasks,
    spectral_clusters,
    together,
)
from cotrain.grouping.search._local import greedy_groups, improve
from cotrain.grouping.value import (
    Grouping,
    GroupingResult,
    Objective,
    as_groups,
    as_matrix,
    simplest,
)
from cotrain.progress import Progress

if TYPE_CHECKING:
    import optuna

Sampler = Literal["moves", "nsga2", "tpe", "random"]
SAMPLERS = get_args(Sampler)
CHUNK = 500
"""Trials between two writes to the storage."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    best : GroupingResult
        The best grouping of all trials, after single moves while these raise its value; the
        cheapest of equals.
    trials : data frame
        One row a trial: number, value, n_groups, groups (text), and whether it was a warm start.
    front : data frame
        The best trial for each number of groups that no smaller number reaches: n_groups, value,
        groups.
    study : optuna.Study
        The study itself, in memory.
    """

    best: GroupingResult
    trials: pd.DataFrame
    front: pd.DataFrame
    study: optuna.Study


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
    task_names: Sequence[str] | None = None,
) -> SearchResult:
    """Return the best grouping that an Optuna study of `trials` trials finds.

    Two objectives: few groups, and a high value. The parameters of a trial say which group serves
    each task (one parameter for tasks that must share). Auxiliary tasks are then added to groups
    while they raise the value.

    A study that is in the storage is continued: trials that are finished are not repeated. With
    sampler "moves" it goes on to the trials that it would have had without a stop.

    Parameters
    ----------
    objective : Objective
    trials : int
        Trials of the whole study, those already in the storage included.
    sampler : {"moves", "nsga2", "tpe", "random"}
        Local search by moves from the study's best partitions so far, or one of Optuna's own.
    seed : int
        Programs that add to one study at the same time need different ones.
    warm_start : groupings, optional
        Tried first. Default: all together, each alone, clusterings and a local search.
    storage : str, optional
        A path ending in .log for a journal file, or a database's address such as
        sqlite:///study.db. With 30 tasks SQLite takes 14 trials a second, a journal a thousand.
    study_name : str
    data_version : str
        Kept with the study; a study of another version is refused.
    task_names : sequence of str, optional
        For the names of parameters.

    Raises
    ------
    ValueError
        If the constraints cannot be met; the message names those that conflict.
    CotrainError
        If the storage holds a study of this name for other data, tasks or constraints.
    """
    import optuna

    from cotrain.grouping.search._decoder import Decoder
    from cotrain.grouping.search._sampler import sampler_of
    from cotrain.grouping.search._storage import DIRECTIONS, StoredStudy, quiet

    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler must be {', '.join(SAMPLERS[:-1])} or random, got {sampler}")
    space = Decoder(objective, task_names)
    with quiet():
        stored = None
        if storage is not None:
            rules = str(objective.constraints)
            belongs_to = {
                "data_version": data_version, "n_tasks": objective.n_tasks, "constraints": rules
            }  # fmt: skip
            stored = StoredStudy(storage, study_name, belongs_to)
        study = optuna.create_study(directions=DIRECTIONS) if stored is None else stored.study
        n_done = len(study.get_trials(deepcopy=False))
        if n_done < trials:
            names, n_labels = space.names, objective.most_groups
            study.sampler = sampler_of(sampler, names, n_labels, seed, n_done)
            starts = _starts(objective, seed) if warm_start is None else warm_start
            for start in starts[n_done:trials]:  # a kill may have kept some of them alone
                space.enqueue(study, start)
        left = max(trials - n_done, 0)
        with Progress("group: trials", left) as progress:
            for done in range(n_done, trials, CHUNK):
                study.optimize(
                    space.run,
                    n_trials=min(CHUNK, trials - done),
                    callbacks=[lambda *_: progress.add()],
                )
                if stored is not None:
                    stored.save()
    return _result(objective, study)


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
    if sizes:
        pairs = pairwise_scores(objective.value)
        starts += [spectral_clusters(pairs, size, seed=seed) for size in sorted(sizes)]
    starts.append(greedy_groups(objective, seed=seed).groups)
    return starts


def _result(objective: Objective, study: optuna.Study) -> SearchResult:
    import optuna

    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    frame = pd.DataFrame(
        {
            "number": [trial.number for trial in done],
            "value": [trial.values[1] for trial in done],
            "n_groups": [int(trial.values[0]) for trial in done],
            "groups": [json.dumps(trial.user_attrs["groups"]) for trial in done],
            "warm_start": ["warm_start" in trial.user_attrs for trial in done],
        }
    )
    top = frame["value"].max()
    near = frame.loc[frame["value"] >= top - 1e-9 * max(1.0, abs(top)), "groups"]
    candidates = [tuple(map(tuple, json.loads(groups))) for groups in near.unique()]
    winner = done[int(frame["value"].argmax())].user_attrs["groups"]
    improved = improve(objective, as_matrix(winner, objective.n_tasks))
    best = simplest(objective, [*candidates, as_groups(improved)])
    return SearchResult(best, frame, pareto_front(frame), study)
