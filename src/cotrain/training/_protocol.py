from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.settings import ModelSettings
from cotrain.tasks import TaskTable
from cotrain.training._weights import Weights


@dataclass(frozen=True, eq=False)
class FitScores:
    """The scores of one fit, for the tasks that it was trained on.

    Attributes
    ----------
    tasks : ndarray of int64, (n_members,)
        The tasks scored: the fit's members.
    n_labels : ndarray of int64, (n_members,)
        Labels of each that were trained on.
    validation, test : ndarray of float64, (n_members, len(SCORES))
        One column a score, in the order of `cotrain.scores.SCORES`; NaN where a score does not
        apply (a real-valued task has no AUROC) or is undefined (one class among the labels).
    n_epochs : int
        Epochs trained, fewer than asked for after an early stop.
    """

    tasks: np.ndarray
    n_labels: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    n_epochs: int


@dataclass(frozen=True)
class FitFailure:
    """Why a fit has no scores: one line."""

    reason: str


Outcome = FitScores | FitFailure


# Not made read-only: Numba would compile the engine a second time for such an array.
NEVER = np.zeros(1, dtype=np.bool_)


def check_stop(stop: np.ndarray) -> None:
    """Raise FitError if the fit is to stop."""
    if stop[0]:
        raise FitError("stopped before it was done")


class Engine(Protocol):
    """Trains fits. The same fit gives the same outcome, whatever it is trained beside.

    Attributes
    ----------
    fits_at_once : int
        How many fits a call of `train` best gets.
    """

    @property
    def fits_at_once(self) -> int: ...

    def train(
        self, table: TaskTable, fits: Sequence[Fit], model: ModelSettings, stop: np.ndarray = NEVER
    ) -> list[Outcome]:
        """The outcome of each fit, in order. A fit that fails does not stop the others.

        `stop` is bool (1,): once another thread sets it, fits under way fail at their next batch.
        """
        ...

    def train_weights(self, table: TaskTable, fit: Fit, model: ModelSettings) -> Weights:
        """The trained network of a fit; FitError if it cannot be trained."""
        ...
