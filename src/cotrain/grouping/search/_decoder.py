"""What a trial is: a label for each block of tasks, decoded to groups and scored."""

from collections.abc import Sequence

import numpy as np
import optuna
import pandas as pd

from cotrain.grouping.search._auxiliaries import add_auxiliaries, pack
from cotrain.grouping.value import (
    Grouping,
    Members,
    Objective,
    as_groups,
    as_matrix,
    feasible_cover,
)

Labels = tuple[int, ...]


class Decoder:
    """One label a block: the group that serves it; groups of one partition are scored once."""

    def __init__(self, objective: Objective, task_names: Sequence[str] | None = None) -> None:
        self.objective = objective
        tasks = task_names or [f"task_{task}" for task in range(objective.n_tasks)]
        self.names = [tasks[block.argmax()] for block in objective.blocks]
        cover = feasible_cover(objective.constraints, objective.n_tasks)
        self._fallback = objective.score(cover), as_groups(cover)
        self._known: dict[bytes, tuple[float, Grouping]] = {}
        self._grown: dict[bytes, Members] = {}

    def run(self, trial: optuna.Trial) -> tuple[int, float]:
        """Return the number of groups and the value of a trial, whose groups become attributes."""
        choices = list(range(self.objective.most_groups))
        labels = [trial.suggest_categorical(name, choices) for name in self.names]
        value, groups = self.decode(np.array(labels))
        start = trial.user_attrs.get("warm_start")
        if start is not None:  # overlaps that labels cannot say
            start = tuple(map(tuple, start))
            own = self.objective.score(as_matrix(start, self.objective.n_tasks))
            value, groups = (own, start) if own > value else (value, groups)
        trial.set_user_attr("groups", [list(group) for group in groups])
        trial.set_user_attr("serving", self.labels(groups).tolist())
        return len(groups), value

    def enqueue(self, study: optuna.Study, start: Grouping) -> None:
        labels = self.labels(start) % self.objective.most_groups  # it may have too many groups
        study.enqueue_trial(
            dict(zip(self.names, labels.tolist(), strict=True)),
            user_attrs={"warm_start": [list(group) for group in start]},
        )

    def labels(self, grouping: Grouping) -> np.ndarray:
        """Return the group that serves each block, in canonical numbers."""
        members = as_matrix(grouping, self.objective.n_tasks)
        serving = self.objective.weighted(members).argmax(axis=0)
        return canonical(serving[self.objective.blocks.argmax(axis=1)])

    def decode(self, labels: np.ndarray) -> tuple[float, Grouping]:
        """Return the value and the groups of labels, with the auxiliaries that help."""
        name = canonical(labels)
        key = name.tobytes()
        if key not in self._known:
            self._known[key] = self._decode(name)
        return self._known[key]

    def _decode(self, labels: np.ndarray) -> tuple[float, Grouping]:
        packed = pack(self.objective, labels)
        if packed is None:
            return self._fallback
        for row in packed:
            if row.tobytes() not in self._grown:
                self._grown[row.tobytes()] = add_auxiliaries(self.objective, row)
        members = np.array([self._grown[row.tobytes()] for row in packed])
        value = self.objective.score(members)
        if not np.isfinite(value):  # a single task that grows costs more
            members, value = packed, self.objective.score(packed)
        if not np.isfinite(value):
            return self._fallback
        return value, as_groups(self.objective.useful(members))


def canonical(labels: np.ndarray) -> np.ndarray:
    """Return labels renumbered by first appearance: one name for every partition."""
    return pd.factorize(labels)[0]
