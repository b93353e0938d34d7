"""Gradient-boosted trees for each task."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from cotrain.allocation import Fit
from cotrain.imports import importing
from cotrain.settings import Count, Section, within
from cotrain.tasks import TaskTable
from cotrain.training._learner import Suggests
from cotrain.training._threads import one_thread
from cotrain.training.learners._matrix import as_dense
from cotrain.training.learners._per_task import PerTaskLearner, TaskRows, member_sizes
from cotrain.training.learners._trees import TrainedTrees, Trees, of_boosting

TreeCount = Annotated[int, within(1, 100_000, "time and memory grow with them")]
LeafCount = Annotated[int, within(2, 100_000, "more than examples")]
Share = Annotated[float, Field(gt=0, le=1)]


class BoostingSettings(Section):
    """Trees that each mend a share of what those before them left."""

    kind: Literal["boosting"] = "boosting"
    n_trees: TreeCount = 150
    learning_rate: Share = 0.05
    max_leaves: LeafCount = 15
    min_leaf: Count = 5
    max_features: Share = 0.2
    l2: Annotated[float, within(0, 1e6, "more leaves no effect")] = 1.0


class Boosting(PerTaskLearner):
    """scikit-learn's histogram-based gradient boosting, one a task."""

    Settings = BoostingSettings
    trained = TrainedTrees
    settings: BoostingSettings

    def suggest(self, trial: Suggests, _table: TaskTable) -> BoostingSettings:
        changed = {
            "n_trees": trial.suggest_int("n_trees", 50, 400, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "max_leaves": trial.suggest_int("max_leaves", 4, 31, log=True),
            "max_features": trial.suggest_float("max_features", 0.05, 0.5, log=True),
            "l2": trial.suggest_float("l2", 0.1, 30.0, log=True),
        }
        return self.settings.model_copy(update=changed)

    def fit_task(self, given: TaskRows) -> Trees:
        with importing():
            from sklearn.ensemble import (
                HistGradientBoostingClassifier,
                HistGradientBoostingRegressor,
            )

        kind = HistGradientBoostingClassifier if given.is_binary else HistGradientBoostingRegressor
        boosting = kind(
            max_iter=self.settings.n_trees,
            learning_rate=self.settings.learning_rate,
            max_leaf_nodes=self.settings.max_leaves,
            min_samples_leaf=self.settings.min_leaf,
            max_features=self.settings.max_features,
            l2_regularization=self.settings.l2,
            early_stopping=False,
            random_state=given.seed,
        )
        dense = as_dense(given.features)
        # A feature that never varies here costs as much as one that does.
        used = np.flatnonzero(dense.min(axis=0) < dense.max(axis=0))
        # More threads take sums in another order.
        with one_thread():
            boosting.fit(dense[:, used], given.labels, given.weights)
        return of_boosting(boosting, used)

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        each = boosting_seconds(self.settings, member_sizes(table, fits), table.n_features)
        return np.asarray(each.sum(axis=1))


def boosting_seconds(settings: BoostingSettings, n: np.ndarray, n_features: int) -> np.ndarray:
    """The seconds that boostings of `n` labels take on one core, about, in the shape of `n`."""
    leaves = np.minimum(settings.max_leaves, n / settings.min_leaf)
    used = np.minimum(n_features, n)
    work = 1e-3 + 4e-9 * n * used + 1e-6 * leaves * used * settings.max_features
    return np.asarray(settings.n_trees * work * (n > 0))
