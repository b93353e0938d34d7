"""Learners that train each member of a fit by itself, and what they leave."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from cotrain.allocation import Fit
from cotrain.tasks import Features, TaskTable
from cotrain.training._arrays import Storable, put_under, taken_from
from cotrain.training._learner import NEVER, Capabilities, Learner, Trained, check_stop
from cotrain.training._problem import Problem


class TaskModel(Storable, ABC):
    """A trained model of one task."""

    @abstractmethod
    def outputs(self, features: Features) -> np.ndarray:
        """The logit, or the standardised value, of each row, (n,)."""


@dataclass(frozen=True, eq=False)
class TrainedTasks(Trained):
    """One model a member.

    Attributes
    ----------
    model : type of TaskModel
        What the models are; set by each subclass.
    constant : ndarray of float64, (n_members,)
        What is predicted where there is no model; NaN for members without labels.
    limit : ndarray of float64, (n_members,)
        The largest size of a binary member's logit; see `Problem.logit_limits`.
    models : dict of int to TaskModel
        By the member's place; none for a member whose labels do not vary.
    """

    file = "models.safetensors"
    of_members = (*Trained.of_members, "constant", "limit")
    model: ClassVar[type[TaskModel]]

    constant: np.ndarray
    limit: np.ndarray
    models: dict[int, TaskModel]

    def outputs(self, features: Features) -> np.ndarray:
        return np.column_stack([self._output(features, at) for at in range(self.tasks.size)])

    def outputs_at(self, features: Features, row: np.ndarray, member: np.ndarray) -> np.ndarray:
        result = np.empty(row.size)  # no other is computed
        for place in np.unique(member):
            at = np.flatnonzero(member == place)
            result[at] = self._output(features[row[at]], place)
        return result

    def model_of(self, place: int) -> TaskModel | None:
        return self.models.get(place)

    def rows_of(self, features: Features, _place: int) -> Features:
        """What a member's model takes."""
        return features

    def _output(self, features: Features, place: int) -> np.ndarray:
        model = self.model_of(place)
        if model is None:
            return np.full(features.shape[0], self.constant[place])
        output = model.outputs(self.rows_of(features, place)).astype(np.float64)
        if self.is_binary[place]:
            return np.clip(output, -self.limit[place], self.limit[place])
        return output * self.scale[place] + self.shift[place]

    def arrays(self) -> dict[str, np.ndarray]:
        arrays = self.facts()
        for place, model in self.models.items():
            arrays |= put_under(str(place), model.arrays())
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        places = {name.partition("/")[0] for name in arrays if "/" in name}
        models = {int(at): cls.model.from_arrays(taken_from(at, arrays)) for at in places}
        return cls(**cls.facts_in(arrays), models=models)


@dataclass(frozen=True, eq=False)
class TaskRows:
    """What the model of one task is trained on.

    Attributes
    ----------
    features : csr_array or ndarray of float32, (n, ...)
    labels : ndarray of float64, (n,)
        0 and 1, both of them; or values of mean 0 and standard deviation 1.
    weights : ndarray of float64, (n,), or None
        The examples' weights, of mean 1; None: all alike.
    is_binary : bool
    seed : int
        Of this fit and task, in 0 .. 2**32 - 1.
    """

    features: Features
    labels: np.ndarray
    weights: np.ndarray | None
    is_binary: bool
    seed: int

    @classmethod
    def of(
        cls, problem: Problem, at: np.ndarray, features: Features, is_binary: bool, seed: int
    ) -> Self | None:
        """The training labels at the places `at` and their features; None if all are alike."""
        train, member = problem.train, problem.train.member[at]
        labels = (train.truth[at] - problem.shift[member]) / problem.scale[member]
        weights = train.weight[at]
        if at.size == 0 or np.ptp(labels) == 0:
            return None
        own = None if np.ptp(weights) == 0 else weights / weights.mean()
        return cls(features, labels, own, is_binary, seed)


class PerTaskLearner(Learner):
    """Trains each member by itself, on its own labels; other members change nothing.

    A member whose training labels are all alike is predicted by a constant (a class by its base
    rate with half a label of each class added); one without any is not predicted.
    """

    capabilities = Capabilities(multi_task=False)
    trained: ClassVar[type[TrainedTasks]]

    @abstractmethod
    def fit_task(self, given: TaskRows) -> TaskModel:
        """The model of one task."""

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> TrainedTasks:
        problem = Problem.of(table, fit)
        train, row = problem.train, problem.train.row
        models: dict[int, TaskModel] = {}
        for place, task in enumerate(problem.members):
            check_stop(stop)
            at = np.flatnonzero(train.member == place)
            features, seed = table.features[train.rows[row[at]]], seed_of(fit.seed, int(task))
            given = TaskRows.of(problem, at, features, bool(problem.is_binary[place]), seed)
            if given is not None:
                models[place] = self.fit_task(given)
        return self.trained(models=models, **facts_of(problem))


def member_sizes(table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
    """Training labels of each task in each fit, float64 (n_fits, K); 0 for those not in it."""
    counts = [fit.allocation.counts(table.label_counts) for fit in fits]
    return np.array(counts, dtype=np.float64).reshape(len(fits), table.n_tasks)


def facts_of(problem: Problem) -> dict[str, np.ndarray]:
    """What a fit's models share, as `TrainedTasks` names it."""
    return problem.facts | {
        "constant": np.where(problem.n_labels > 0, problem.base_outputs(), np.nan),
        "limit": problem.logit_limits(),
    }


def seed_of(seed: int, task: int) -> int:
    """The seed of one task in a fit of `seed`."""
    return int(np.random.SeedSequence([seed, task]).generate_state(1)[0])
