"""The contract of learners: a fit goes in, a trained model or its predictions come out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from scipy.special import expit

from cotrain.allocation import Fit
from cotrain.exceptions import DataError, FitError
from cotrain.registry import LEARNERS, Noun
from cotrain.settings import Section
from cotrain.tasks import Features, Reads, TaskTable
from cotrain.training._arrays import Storable, load_arrays, save_arrays
from cotrain.training._problem import Problem
from cotrain.training._result import FitResult, Outcome, fit_result, outcome_of

# Not made read-only: Numba would compile the engine a second time for such an array.
NEVER = np.zeros(1, dtype=np.bool_)


def check_stop(stop: np.ndarray) -> None:
    """Raise FitError if the fit is to stop."""
    if stop[0]:
        raise FitError("stopped before it was done")


class Suggests(Protocol):
    """What `Learner.suggest` may ask of an Optuna trial."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number from `low` to `high`."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number from `low` to `high`."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""


@dataclass(frozen=True)
class Capabilities:
    """What a learner can do."""

    multi_task: bool = False  # members of a fit learn from each other; else each trains by itself
    # the kinds of tasks it trains
    real: bool = True
    binary: bool = True
    seeded: bool = True  # the seed changes what is trained
    example_weights: bool = True  # examples and tasks may count for more than others


@dataclass(frozen=True, eq=False)
class Trained(Storable, ABC):
    """A trained model of some tasks."""

    # what it is given of rows in the place of features: see `TaskTable.inputs`
    reads: ClassVar[Reads] = "features"
    file: ClassVar[str] = "model.safetensors"  # what `save` writes into a folder
    # the fields that hold a number for each member
    of_members: ClassVar[tuple[str, ...]] = ("tasks", "is_binary", "shift", "scale")

    tasks: np.ndarray  # (n_members,) of int64: what it predicts, ascending, as in the task table
    is_binary: np.ndarray  # (n_members,) of bool
    # (n_members,) of float64: a real-valued member's prediction is what is learnt times `scale`,
    # plus `shift`
    shift: np.ndarray
    scale: np.ndarray

    @abstractmethod
    def outputs(self, features: Features) -> np.ndarray:
        """Logits of binary tasks and values of real-valued ones, (n_rows, n_members)."""

    def outputs_at(self, features: Features, row: np.ndarray, member: np.ndarray) -> np.ndarray:
        """The outputs of single rows and members, (n,)."""
        return self.outputs(features)[row, member]

    def save(self, folder: Path) -> None:
        """Write the model into an empty folder, without pickle; the same model, the same bytes."""
        save_arrays(folder / self.file, self.arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; no code of the folder is run.

        DataError if the file is missing or holds no such model.
        """
        path = folder / cls.file
        arrays = load_arrays(path)
        try:
            return cls.from_arrays(arrays)
        except (LookupError, ValueError) as error:
            raise DataError(f"{path}: is no such model ({error}); export it again") from error

    def facts(self) -> dict[str, np.ndarray]:
        """The arrays of `of_members`."""
        return {name: getattr(self, name) for name in self.of_members}

    @classmethod
    def facts_in(cls, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays of `of_members` among others; ValueError if they do not fit together."""
        facts = {name: arrays[name] for name in cls.of_members}
        if {part.shape for part in facts.values()} != {(facts["tasks"].size,)}:
            raise ValueError("its parts do not fit together")
        kinds = {"tasks": "i", "is_binary": "b"}
        if any(part.dtype.kind != kinds.get(name, "f") for name, part in facts.items()):
            raise ValueError("its parts are of other types")
        return facts

    def predict(self, features: Features) -> np.ndarray:
        """Probabilities of binary tasks and values of real-valued ones, (n_rows, n_members)."""
        outputs = self.outputs(features)
        return np.where(self.is_binary, expit(outputs), outputs)


class Learner(Noun):
    """Trains fits. The same fit gives the same model, whatever it is trained beside.

    Made from its settings alone, a section of params.yaml whose `kind` names the class
    (`cotrain.registry.LEARNERS`). `cotrain.testing.LearnerContract` is run through every learner.
    """

    trained: ClassVar[type[Trained]]  # the class of its models
    capabilities: ClassVar[Capabilities] = Capabilities()
    fits_at_once: int = 1  # how many fits a call of `evaluate` best gets
    # whether training ends by the scores on validation labels, which it then needs
    stops_early: bool = False

    @abstractmethod
    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> Trained:
        """The model trained on the fit's allocation.

        `stop` is bool (1,): once another thread sets it, the fit fails as soon as it can.

        Raises
        ------
        FitError
            If the fit cannot be trained.
        """

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """The seconds that each fit takes on one core, about, float64 (n_fits,).

        They order fits and show progress; measured seconds set the scale.
        """
        counts = [fit.allocation.counts(table.label_counts).sum() for fit in fits]
        return 0.01 + 1e-4 * np.array(counts, dtype=np.float64)

    def operations(self, _table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """Floating-point operations of training each fit, (n_fits,); NaN where none are counted."""
        return np.full(len(fits), np.nan)

    def checkpoints(self) -> "dict[str, Learner]":
        """The learner stopped early, by names of the stops; none where training has no epochs."""
        return {}

    def suggest(self, _trial: Suggests, _table: TaskTable) -> Section:
        """Settings to try on a table, drawn from an Optuna trial.

        A parameter has the name of a setting, so that a search can start from the settings as they
        are. By default there is nothing to tune.
        """
        return self.settings

    def identity(self) -> dict[str, Any]:
        """What of the settings a fit's identity is made of, as plain JSON values."""
        return self.settings.model_dump(mode="json")

    def evaluate(
        self, table: TaskTable, fits: Sequence[Fit], stop: np.ndarray = NEVER
    ) -> list[Outcome]:
        """What each fit predicts for the evaluation labels of its members, and scores, in order.

        A fit that fails does not stop the others.
        """
        return [outcome_of(partial(self._evaluate, table, fit, stop)) for fit in fits]

    def _evaluate(self, table: TaskTable, fit: Fit, stop: np.ndarray) -> FitResult:
        problem, trained = Problem.of(table, fit), self.fit(table, fit, stop)
        inputs = table.inputs(trained.reads)
        validation, test = (
            trained.outputs_at(inputs[labels.rows], labels.row, labels.member)
            for labels in (problem.validation, problem.test)
        )
        return fit_result(problem, validation, test)


def make_learner(settings: Section) -> Learner:
    """The learner that a section of params.yaml describes, by its `kind`."""
    kind: str = settings.kind  # type: ignore[attr-defined]
    return LEARNERS.find(kind)(settings)


class Learners(dict[str, Learner]):
    """Learners by the names that fits carry."""

    def identities(self) -> dict[str, dict[str, Any]]:
        return {name: learner.identity() for name, learner in self.items()}

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """The seconds that each fit takes on one core, about, float64 (n_fits,)."""
        return self._each(fits, lambda learner, own: learner.cost(table, own))

    def operations(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """Floating-point operations of training each fit, (n_fits,); NaN where none are counted."""
        return self._each(fits, lambda learner, own: learner.operations(table, own))

    def _each(
        self, fits: Sequence[Fit], count: Callable[[Learner, Sequence[Fit]], np.ndarray]
    ) -> np.ndarray:
        result = np.zeros(len(fits))
        for name in dict.fromkeys(fit.learner for fit in fits):
            places = [place for place, fit in enumerate(fits) if fit.learner == name]
            result[places] = count(self[name], [fits[place] for place in places])
        return result


def estimate_seconds(
    learner: Learner | Learners,
    table: TaskTable,
    fits: Sequence[Fit],
    measured: Mapping[Fit, float] | None = None,
) -> np.ndarray:
    """The seconds that each fit takes on one core, about, float64 (n_fits,).

    Those that fits of the same table and learner took here, if `measured`, set the scale.
    """
    costs = learner.cost(table, fits)
    if measured:
        costs = costs * sum(measured.values()) / learner.cost(table, list(measured)).sum()
    return costs
