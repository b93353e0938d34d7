"""One model of all members' rows, which knows whose row it is: boosted trees, or linear."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.settings import Count, Section
from cotrain.tasks import Features, TaskTable
from cotrain.training._learner import NEVER, Capabilities, Learner, Suggests, check_stop
from cotrain.training._problem import Problem
from cotrain.training.learners._boosting import (
    Boosting,
    BoostingSettings,
    LeafCount,
    Share,
    TreeCount,
    boosting_seconds,
)
from cotrain.training.learners._linear import Linear, LinearSettings, Weights
from cotrain.training.learners._matrix import as_dense
from cotrain.training.learners._per_task import (
    TaskModel,
    TaskRows,
    TrainedTasks,
    facts_of,
    member_sizes,
    seed_of,
)
from cotrain.training.learners._trees import Trees


class PooledSettings(BoostingSettings):
    """As boosting, for more rows: near scikit-learn's own."""

    kind: Literal["pooled"] = "pooled"  # type: ignore[assignment]
    n_trees: TreeCount = 200
    learning_rate: Share = 0.1
    max_leaves: LeafCount = 31
    min_leaf: Count = 20
    max_features: Share = 0.5


class TrainedPooled(TrainedTasks):
    """One model of all real-valued members, at 0, and one of all binary ones, at 1."""

    model: ClassVar[type[TaskModel]] = Trees

    def model_of(self, place: int) -> TaskModel | None:
        known = not np.isnan(self.constant[place])
        return self.models.get(int(self.is_binary[place])) if known else None

    def rows_of(self, features: Features, place: int) -> Features:
        return _with_member(features, np.full(features.shape[0], place), self.tasks.size)


class Pooled(Learner):
    """One boosting of the rows of all members, each with the member it is of as a feature.

    What one would use where tasks are groups of rows that share one question: the rival of all
    that is learnt for each group.
    """

    Settings: ClassVar[Any] = PooledSettings
    trained: ClassVar[type[TrainedPooled]] = TrainedPooled
    capabilities = Capabilities(multi_task=True)
    of_rows: ClassVar[type[Boosting | Linear]] = Boosting

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> TrainedPooled:
        problem = Problem.of(table, fit)
        check_stop(stop)
        train = problem.train
        if np.ptp(problem.targets(train)) == 0:
            raise FitError("the labels of all tasks are alike: there is nothing to learn")
        models: dict[int, TaskModel] = {}
        for kind in (False, True):
            at = np.flatnonzero(problem.is_binary[train.member] == kind)
            rows = table.features[train.rows[train.row[at]]]
            features = _with_member(rows, train.member[at], problem.members.size)
            given = TaskRows.of(problem, at, features, kind, seed_of(fit.seed, int(kind)))
            if given is not None:
                models[int(kind)] = self.of_rows(self.settings).fit_task(given)
            check_stop(stop)
        return self.trained(models=models, **facts_of(problem))

    def suggest(self, trial: Suggests, table: TaskTable) -> Section:
        return self.of_rows(self.settings).suggest(trial, table)

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        n_labels = member_sizes(table, fits).sum(axis=1)
        return boosting_seconds(self.settings, n_labels, table.n_features)


class PooledLinearSettings(LinearSettings):
    """As linear, for the rows of all members."""

    kind: Literal["pooled_linear"] = "pooled_linear"  # type: ignore[assignment]


class TrainedPooledLinear(TrainedPooled):
    """One linear model of all real-valued members, and one of all binary ones."""

    model = Weights


class PooledLinear(Pooled):
    """One linear model of the rows of all members: a group moves the level alone."""

    Settings = PooledLinearSettings
    trained: ClassVar[type[TrainedPooled]] = TrainedPooledLinear
    capabilities = Capabilities(multi_task=True, seeded=False)
    of_rows: ClassVar[type[Boosting | Linear]] = Linear

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        n_labels = member_sizes(table, fits).sum(axis=1)
        return np.asarray(5e-3 + 2e-7 * n_labels * table.n_features)


def _with_member(features: Features, member: np.ndarray, n_members: int) -> np.ndarray:
    """Dense features and, one-hot, whose row it is: float32 (n, D + n_members)."""
    return np.hstack([as_dense(features), np.eye(n_members, dtype=np.float32)[member]])
