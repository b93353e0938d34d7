"""Gradient-boosted trees of all members' rows, which know whose row it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from cotrain.allocation import Fit
from cotrain.exceptions import DataError, FitError
from cotrain.settings import Count, Section
from cotrain.tasks import Features, TaskTable
from cotrain.training._arrays import load_arrays, save_arrays
from cotrain.training._learner import NEVER, Capabilities, Learner, Suggests, Trained, check_stop
from cotrain.training._problem import Problem
from cotrain.training.learners._boosting import (
    Boosting,
    BoostingSettings,
    LeafCount,
    Share,
    TreeCount,
)
from cotrain.training.learners._cost import member_sizes
from cotrain.training.learners._matrix import as_dense
from cotrain.training.learners._per_task import facts_of, seed_of
from cotrain.training.learners._trees import Trees

_FILE = "models.safetensors"
_MEMBERS = ("tasks", "is_binary", "shift", "scale", "constant", "limit")


class PooledSettings(BoostingSettings):
    """As boosting, for more rows: near scikit-learn's own."""

    kind: Literal["pooled"] = "pooled"  # type: ignore[assignment]
    n_trees: TreeCount = 200
    learning_rate: Share = 0.1
    max_leaves: LeafCount = 31
    min_leaf: Count = 20
    max_features: Share = 0.5


@dataclass(frozen=True, eq=False)
class TrainedPooled(Trained):
    """One model of all binary members, and one of all real-valued ones.

    Attributes
    ----------
    tasks, is_binary, shift, scale, constant, limit
        As of `TrainedTasks`.
    models : tuple of Trees or None
        Of the real-valued and of the binary members; None where there is nothing to tell apart.
    """

    tasks: np.ndarray
    is_binary: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    constant: np.ndarray
    limit: np.ndarray
    models: tuple[Trees | None, Trees | None]

    def outputs(self, features: Features) -> np.ndarray:
        """Logits of binary members, values of real-valued ones, (n_rows, n_members)."""
        n, k = features.shape[0], self.tasks.size
        row, member = np.divmod(np.arange(n * k), k)
        return self.outputs_at(features, row, member).reshape(n, k)

    def outputs_at(self, features: Features, row: np.ndarray, member: np.ndarray) -> np.ndarray:
        """The outputs of single rows and members, (n,); no other is computed."""
        result = np.empty(row.size)
        for place in np.unique(member):
            at = np.flatnonzero(member == place)
            result[at] = self._output(features[row[at]], int(place))
        return result

    def _output(self, features: Features, place: int) -> np.ndarray:
        model = self.models[int(self.is_binary[place])]
        n = features.shape[0]
        if model is None or np.isnan(self.constant[place]):
            return np.full(n, self.constant[place])
        output = model.outputs(_with_member(features, np.full(n, place), self.tasks.size))
        if self.is_binary[place]:
            return np.clip(output.astype(np.float64), -self.limit[place], self.limit[place])
        return output.astype(np.float64) * self.scale[place] + self.shift[place]

    @property
    def n_parameters(self) -> int:
        """Numbers that the models hold, and the constants."""
        return self.tasks.size + sum(0 if m is None else m.n_parameters for m in self.models)

    def save(self, folder: Path) -> None:
        """Write `models.safetensors`."""
        arrays = {name: getattr(self, name) for name in _MEMBERS}
        for place, model in enumerate(self.models):
            own = {} if model is None else model.arrays()
            arrays |= {f"{place}/{name}": array for name, array in own.items()}
        save_arrays(folder / _FILE, arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        DataError
            If the file is missing, or holds no such models.
        """
        path = folder / _FILE
        arrays = load_arrays(path)
        try:
            facts: dict[str, Any] = {name: arrays.pop(name) for name in _MEMBERS}
            if len({part.shape for part in facts.values()}) != 1 or facts["tasks"].ndim != 1:
                raise ValueError("its parts do not fit together")
            own: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
            for name, array in arrays.items():
                place, _, part = name.partition("/")
                own[int(place)][part] = array
            real, binary = (Trees.from_arrays(parts) if parts else None for parts in own)
        except (KeyError, IndexError, ValueError) as error:
            raise DataError(f"{path}: is no such model ({error}); export it again") from error
        return cls(**facts, models=(real, binary))


class Pooled(Learner):
    """One boosting of the rows of all members, each with the member it is of as a feature.

    What one would use where tasks are groups of rows that share one question: the rival of all
    that is learnt for each group.
    """

    Settings: ClassVar[type[Section]] = PooledSettings
    trained = TrainedPooled
    capabilities = Capabilities(multi_task=True)
    settings: PooledSettings

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> TrainedPooled:
        """The model trained on the fit's allocation."""
        problem = Problem.of(table, fit)
        check_stop(stop)
        train, targets = problem.train, problem.targets(problem.train)
        if np.ptp(targets) == 0:
            raise FitError("the labels of all tasks are alike: there is nothing to learn")
        models: list[Trees | None] = []
        for kind in (False, True):
            at = np.flatnonzero(problem.is_binary[train.member] == kind)
            labels, weights = targets[at], train.weight[at]
            if at.size == 0 or np.ptp(labels) == 0:
                models.append(None)
                continue
            rows = table.features[train.rows[train.row[at]]]
            models.append(
                Boosting(self.settings).fit_task(
                    _with_member(rows, train.member[at], problem.members.size),
                    labels,
                    None if np.ptp(weights) == 0 else weights / weights.mean(),
                    kind,
                    seed_of(fit.seed, int(kind)),
                )
            )
            check_stop(stop)
        real, binary = models
        return TrainedPooled(tasks=problem.members, models=(real, binary), **facts_of(problem))

    def suggest(self, trial: Suggests, table: TaskTable) -> Section:
        """Settings to try, as of boosting."""
        return Boosting(self.settings).suggest(trial, table)

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """The seconds that each fit takes on one core, about, (n_fits,)."""
        n = member_sizes(table, fits).sum(axis=1)
        used = np.minimum(table.n_features, n)
        leaves = np.minimum(self.settings.max_leaves, n / self.settings.min_leaf)
        work = 1e-3 + 4e-9 * n * used + 1e-6 * leaves * used * self.settings.max_features
        return np.asarray(self.settings.n_trees * work)


def _with_member(features: Features, member: np.ndarray, n_members: int) -> np.ndarray:
    """Dense features and, one-hot, whose row it is: float32 (n, D + n_members)."""
    return np.hstack([as_dense(features), np.eye(n_members, dtype=np.float32)[member]])
