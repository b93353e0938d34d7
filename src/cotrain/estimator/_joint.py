"""Any estimator of scikit-learn as a learner of several tasks."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_array, hstack, issparse
from scipy.special import logit
from sklearn.base import clone

from cotrain.allocation import Fit
from cotrain.settings import Section
from cotrain.tasks import Features, TaskTable
from cotrain.training import NEVER, Capabilities, Learner, Problem, Trained
from cotrain.training._threads import one_thread
from cotrain.training.learners._matrix import as_matrix


class JointSettings(Section):
    """Nothing but the kind: the estimator's own parameters are its settings."""

    kind: Literal["joint"] = "joint"


@dataclass(frozen=True, eq=False)
class TrainedJoint(Trained):
    """One fitted estimator of all members; `limit` (n_members,) bounds logits as `TrainedTasks`."""

    limit: np.ndarray
    fitted: Any

    def outputs(self, features: Features) -> np.ndarray:
        """Logits or values, (n_rows, n_members)."""
        columns = [self._output(features, place) for place in range(self.tasks.size)]
        return np.column_stack(columns)

    def _output(self, features: Features, place: int) -> np.ndarray:
        n_rows = features.shape[0]
        rows = _with_member(features, np.full(n_rows, place), self.tasks.size)
        with one_thread(), np.errstate(divide="ignore"):
            if self.is_binary[place]:
                said = logit(self.fitted.predict_proba(rows)[:, 1])
                return np.clip(said, -self.limit[place], self.limit[place])
            said = np.ravel(self.fitted.predict(rows))
        return np.asarray(said * self.scale[place] + self.shift[place])

    def arrays(self) -> dict[str, np.ndarray]:
        """Refused: an estimator of any kind has no file format but pickle."""
        raise NotImplementedError("keep the whole GroupedClassifier or GroupedRegressor")


class Joint(Learner):
    """One estimator of the rows of all members, with a column that is 1 for each member's rows.

    A row is a known label. A member alone has no such column.

    Parameters
    ----------
    estimator : classifier with `predict_proba`, or regressor
        It is cloned for each fit; a parameter `random_state` is set to the fit's seed.
    """

    Settings = JointSettings
    trained = TrainedJoint
    capabilities = Capabilities(multi_task=True, example_weights=False)

    def __init__(self, estimator: Any) -> None:
        super().__init__(JointSettings())
        self.estimator = estimator

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> TrainedJoint:  # noqa: ARG002
        """The estimator trained on the fit's allocation."""
        problem = Problem.of(table, fit)
        train = problem.train
        rows = table.features[train.rows[train.row]]
        estimator = clone(self.estimator)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=fit.seed % 2**32)
        targets = problem.targets(train)
        if problem.is_binary.all():
            targets = targets.astype(np.int64)
        with one_thread():
            estimator.fit(_with_member(rows, train.member, problem.members.size), targets)
        return TrainedJoint(limit=problem.logit_limits(), fitted=estimator, **problem.facts)


def _with_member(features: Features, member: np.ndarray, n_members: int) -> Features:
    # In float32 what is predicted for a row would depend on the rows beside it, by its digits.
    matrix = as_matrix(features).astype(np.float64)
    if n_members == 1:
        return matrix
    rows = np.arange(member.size)
    one = csr_array((np.ones(member.size), (rows, member)), shape=(member.size, n_members))
    if issparse(matrix):
        joined = csr_array(hstack([matrix, one], format="csr"))
        joined.indices = joined.indices.astype(np.int32, copy=False)
        joined.indptr = joined.indptr.astype(np.int32, copy=False)
        return joined
    return np.hstack([matrix, one.toarray()])
