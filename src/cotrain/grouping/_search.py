"""Optuna's search for a grouping: in memory, every trial kept, warm-started, resumable."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import optuna
import pandas as pd
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from cotrain.grouping._auxiliaries import add_auxiliaries, pack
from cotrain.grouping._baselines import affinity_clusters, single_tasks, together
from cotrain.grouping._constraints import feasible_cover
from cotrain.grouping._local import greedy_groups
from cotrain.grouping._moves import MoveSampler
from cotrain.grouping._objective import (
    Grouping,
    GroupingResult,
    Objective,
    as_matrix,
    grouping_result,
)
from cotrain.grouping._storage import Storage, quiet
from cotrain.grouping._values import Members

Sampler = Literal["moves", "nsga2", "tpe", "random"]
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
) -> SearchResult:
    """Return the best grouping of `trials` trials, every trial, and the Pareto front.

    Each trial draws one label a task: the group that serves it. Labels are made canonical, so
    that the same partition has the same parameters, and scored once. Auxiliary tasks are then
    added to groups while they raise the value.

    Parameters
    ----------
    objective : Objective
    trials : int
        Trials of the whole study, those already in the storage included.
    sampler : {"moves", "nsga2", "tpe", "random"}
        Moves from the best partitions so far, or one of Optuna's own.
    seed : int
    warm_start : groupings, optional
        Tried first. Default: all together, each alone, clusterings and a local search.
    storage : str, optional
        A database address such as sqlite:///study.db, or a path ending in .log for a journal. The
        search runs in memory; trials are added to the storage in chunks, and a study that is
        there is continued.
    study_name : str
    data_version : str
        Kept with the study; a study of another version is refused.

    Raises
    ------
    ValueError
        If the constraints cannot be met; the message names those that conflict.
    CotrainError
        If the storage holds a study of this name for other data, tasks or constraints.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    decoder = _Decoder(objective)
    store = None
    past: list[FrozenTrial] = []
    if storage is not None:
        store = Storage(storage, study_name, data_version, objective)
        past = store.trials()
    with quiet():
        study = optuna.create_study(
            direction="maximize", sampler=_sampler(sampler, seed + len(past))
        )
        study.add_trials(past)
        if not past:
            for grouping in _starts(objective, seed) if warm_start is None else warm_start:
                study.enqueue_trial(decoder.parameters(grouping), skip_if_exists=True)
        while len(study.trials) - _waiting(study) < trials:
            done = len(study.trials) - _waiting(study)
            n_trials = min(CHUNK, trials - done)
            study.optimize(decoder.trial_value, n_trials=n_trials)
            if store is not None:
                store.add(study.get_trials(deepcopy=False)[done : done + n_trials])
    return _result(objective, study.get_trials(deepcopy=False))


def pareto_front(trials: pd.DataFrame) -> pd.DataFrame:
    """Return, for each number of groups that pays, its best row of n_groups, value, groups."""
    ordered = trials.dropna(subset=["value"]).sort_values(
        ["n_groups", "value", "groups"], ascending=[True, False, True]
    )
    best = ordered.drop_duplicates("n_groups")
    rising = best["value"] > best["value"].cummax().shift(fill_value=-np.inf)
    return best.loc[rising, ["n_groups", "value", "groups"]].reset_index(drop=True)


class _Decoder:
    """From a trial's labels to groups and their value; groups of one partition scored once."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.blocks = objective.blocks
        cover = feasible_cover(objective.constraints, objective.n_tasks)
        self.fallback = objective.score(cover), cover
        self.names = [f"task_{int(np.flatnonzero(block)[0])}" for block in self.blocks]
        self.choices = list(range(objective.most_groups))
        self.known: dict[bytes, tuple[float, Members]] = {}
        self.grown: dict[bytes, Members] = {}

    def parameters(self, grouping: Grouping) -> dict[str, int]:
        """Return the labels by which `grouping` serves each block."""
        labels = self._labels(as_matrix(grouping, self.objective.n_tasks)) % len(self.choices)
        return dict(zip(self.names, map(int, labels), strict=True))

    def _labels(self, members: Members) -> np.ndarray:
        """Return the group that serves each block, in canonical numbers."""
        serving = self.objective.weighted(members).argmax(axis=0)
        return canonical(serving[self.blocks.argmax(axis=1)])

    def trial_value(self, trial: optuna.Trial) -> float:
        """Return the value of the trial's grouping; record the grouping itself."""
        labels = np.array([trial.suggest_categorical(name, self.choices) for name in self.names])
        value, members = self.decode(canonical(labels))
        groups = [[int(task) for task in np.flatnonzero(row)] for row in members]
        trial.set_user_attr("groups", sorted(groups))
        trial.set_user_attr("labels", [int(label) for label in self._labels(members)])
        return value

    def decode(self, labels: np.ndarray) -> tuple[float, Members]:
        """Return the value and the groups of canonical labels; from memory if seen before."""
        key = labels.tobytes()
        if key not in self.known:
            self.known[key] = self._decode(labels)
        return self.known[key]

    def _decode(self, labels: np.ndarray) -> tuple[float, Members]:
        packed = pack(self.objective, self.blocks, labels)
        if packed is None:
            return self.fallback
        members = np.array([self._grown(row) for row in packed])
        value = self.objective.score(members)
        if not np.isfinite(value):  # a single task that grows costs more
            members, value = packed, self.objective.score(packed)
        if not np.isfinite(value):
            return self.fallback
        return value, members[np.unique(self.objective.weighted(members).argmax(axis=0))]

    def _grown(self, served: Members) -> Members:
        key = served.tobytes()
        if key not in self.grown:
            self.grown[key] = add_auxiliaries(self.objective, served)
        return self.grown[key]


def canonical(labels: np.ndarray) -> np.ndarray:
    """Return labels renumbered by first appearance: one name for every partition."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _starts(objective: Objective, seed: int) -> list[Grouping]:
    """Return groupings worth trying first: the obvious ones, clusterings, and a local search."""
    limit = objective.most_groups
    starts = [together(objective.n_tasks), single_tasks(objective.n_tasks)]
    sizes = {2, max(2, limit // 2), limit} & set(range(2, limit + 1))
    starts += [affinity_clusters(objective.value, size, seed=seed) for size in sorted(sizes)]
    starts.append(greedy_groups(objective, seed=seed, starts=1).groups)
    return starts


def _sampler(name: str, seed: int) -> BaseSampler:
    if name == "moves":
        return MoveSampler(seed)
    if name == "nsga2":
        return NSGAIISampler(seed=seed)
    if name == "tpe":
        return TPESampler(seed=seed)
    if name == "random":
        return RandomSampler(seed=seed)
    raise ValueError(f"sampler must be moves, nsga2, tpe or random, got {name}")


def _waiting(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))


def _result(objective: Objective, trials: list[FrozenTrial]) -> SearchResult:
    trials = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    rows: list[dict[str, Any]] = [
        {
            "number": trial.number,
            "value": trial.value,
            "n_groups": len(trial.user_attrs["groups"]),
            "groups": str(trial.user_attrs["groups"]),
            "warm_start": "fixed_params" in trial.system_attrs,
        }
        for trial in trials
    ]
    frame = pd.DataFrame(rows)
    winner = max(trials, key=lambda trial: (trial.values[0], -trial.number))
    groups = tuple(tuple(group) for group in winner.user_attrs["groups"])
    best = grouping_result(objective, as_matrix(groups, objective.n_tasks))
    return SearchResult(best, frame, pareto_front(frame))
