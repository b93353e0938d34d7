"""A forest of randomised trees for each task."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.sparse import issparse

from cotrain.allocation import Fit
from cotrain.imports import importing
from cotrain.settings import Count, Section, within
from cotrain.tasks import TaskTable
from cotrain.training._learner import Suggests
from cotrain.training.learners._matrix import dense_if_small
from cotrain.training.learners._per_task import PerTaskLearner, TaskRows, member_sizes
from cotrain.training.learners._trees import TrainedTrees, Trees, of_forest


class ForestSettings(Section):
    """The mean of trees that are grown to the end, each split the best of a few features.

    `auto`: random forests for classes, extremely randomised trees for values, as
    `benchmarks/learners.py` found best.
    """

    kind: Literal["forest"] = "forest"
    trees: Literal["auto", "random", "extra"] = "auto"
    n_trees: Annotated[int, within(1, 100_000, "time and memory grow with them")] = 300
    max_features: Literal["sqrt", "log2"] | Annotated[float, Field(gt=0, le=1)] = "sqrt"
    min_leaf: Count = 1


class Forest(PerTaskLearner):
    """scikit-learn's random forests (or extremely randomised trees), one a task."""

    Settings: ClassVar[type[Section]] = ForestSettings
    trained = TrainedTrees
    settings: ForestSettings

    def suggest(self, trial: Suggests, _table: TaskTable) -> ForestSettings:
        """Settings to try: features of a split, examples of a leaf."""
        changed = {
            "max_features": trial.suggest_categorical(
                "max_features", ("sqrt", "log2", 0.05, 0.1, 0.3)
            ),
            "min_leaf": trial.suggest_categorical("min_leaf", (1, 2, 3, 5)),
        }
        return self.settings.model_copy(update=changed)

    def fit_task(self, given: TaskRows) -> Trees:
        forest = self._estimator(given.is_binary)(
            n_estimators=self.settings.n_trees,
            max_features=self.settings.max_features,
            min_samples_leaf=self.settings.min_leaf,
            random_state=given.seed,
            n_jobs=1,
        )
        matrix = dense_if_small(given.features)
        # A split reads single columns: the same trees, from fewer lines of memory.
        columns = matrix if issparse(matrix) else np.asfortranarray(matrix)
        forest.fit(columns, given.labels, given.weights)
        return of_forest(forest, given.is_binary)

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        tried = {"sqrt": table.n_features**0.5, "log2": np.log2(table.n_features)}
        each = tried.get(str(self.settings.max_features))
        if each is None:
            each = float(self.settings.max_features) * table.n_features
        n = member_sizes(table, fits)
        # Measured: a split looks at each row once a feature, and a level of the tree at each row;
        # a feature that is 0 in most rows soon has a single value, which takes a fifth.
        features = table.features
        filled = features.nnz / np.prod(features.shape) if issparse(features) else 1.0
        work = 1e-3 + 8e-8 * (0.15 + 0.85 * filled) * n * np.log2(n + 1) * each
        return np.asarray((self.settings.n_trees * work * (n > 0)).sum(axis=1))

    def _estimator(self, is_binary: bool) -> Any:
        with importing():
            from sklearn import ensemble

        trees = self.settings.trees
        if trees == "auto":
            trees = "random" if is_binary else "extra"
        name = {"random": "RandomForest", "extra": "ExtraTrees"}[trees]
        return getattr(ensemble, name + ("Classifier" if is_binary else "Regressor"))
