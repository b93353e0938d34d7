"""A linear model of each task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.sparse import issparse

from cotrain.allocation import Fit
from cotrain.imports import importing
from cotrain.settings import Section, within
from cotrain.tasks import Features, TaskTable
from cotrain.training._learner import Capabilities, Suggests
from cotrain.training._threads import one_thread
from cotrain.training.learners._matrix import as_matrix
from cotrain.training.learners._per_task import (
    PerTaskLearner,
    TaskModel,
    TaskRows,
    TrainedTasks,
    member_sizes,
)


class LinearSettings(Section):
    """The penalty is on the squares of the weights, the same whatever the features' scale.

    `strength` is scikit-learn's `C` of the logistic regression times the mean squared length of
    the centred rows; ridge regression has the alpha that goes with it, 1 / (2 C).
    """

    kind: Literal["linear"] = "linear"
    strength: Annotated[float, Field(gt=0), within(0, 1e9, "nothing would be learnt")] = 5.0


@dataclass(frozen=True, eq=False)
class Weights(TaskModel):
    """`weight`, float64 (D,), and `bias`, float64 (1,)."""

    weight: np.ndarray
    bias: np.ndarray

    def outputs(self, features: Features) -> np.ndarray:
        return np.asarray(as_matrix(features) @ self.weight + self.bias)


class TrainedLinear(TrainedTasks):
    """A linear model a member."""

    model = Weights


class Linear(PerTaskLearner):
    """Logistic regression for binary tasks, ridge regression for real-valued ones."""

    Settings = LinearSettings
    trained = TrainedLinear
    capabilities = Capabilities(seeded=False)
    settings: LinearSettings

    def suggest(self, trial: Suggests, _table: TaskTable) -> LinearSettings:
        strength = trial.suggest_float("strength", 0.1, 100.0, log=True)
        return self.settings.model_copy(update={"strength": strength})

    def fit_task(self, given: TaskRows) -> Weights:
        with importing():
            from sklearn.linear_model import LogisticRegression, Ridge

        matrix, centre, spread = scaled(as_matrix(given.features))
        penalty = mean_square(matrix) / self.settings.strength
        if given.is_binary:
            model = LogisticRegression(C=1 / penalty, max_iter=10_000)
        else:
            solver = "sparse_cg" if issparse(matrix) else "cholesky"
            model = Ridge(alpha=penalty / 2, solver=solver, tol=1e-6)
        with one_thread():
            model.fit(matrix, given.labels, given.weights)
        weight = model.coef_.ravel() / spread
        return Weights(weight, np.ravel(model.intercept_) - centre @ weight)

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        n = member_sizes(table, fits)
        entries = getattr(table.features, "nnz", table.features.size) / table.n_examples
        return np.asarray(((5e-3 + 2e-7 * n * entries) * (n > 0)).sum(axis=1))


def scaled(matrix: Features) -> tuple[Features, np.ndarray, np.ndarray]:
    """The matrix, what was taken from its columns, and what then divided them.

    Dense columns may be in any units, so they get mean 0 and standard deviation 1.
    """
    matrix = matrix.astype(np.float64)
    if issparse(matrix):
        return matrix, np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])
    centre, spread = matrix.mean(axis=0), matrix.std(axis=0)
    spread[spread == 0] = 1.0
    return (matrix - centre) / spread, centre, spread


def mean_square(matrix: Features) -> float:
    """The mean squared length of the centred rows; 1 if they are all alike."""
    square = matrix.multiply(matrix).sum() if issparse(matrix) else (matrix**2).sum()
    mean = float(square) / matrix.shape[0] - float((matrix.mean(axis=0) ** 2).sum())
    return mean if mean > 0 else 1.0
