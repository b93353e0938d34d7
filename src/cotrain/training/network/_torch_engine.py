"""The torch engine: many fits as one batched computation, on any device. The reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.tasks import TaskTable
from cotrain.training._learner import NEVER
from cotrain.training._problem import Problem
from cotrain.training._result import FitFailure, Outcome
from cotrain.training.network._settings import NetworkSettings
from cotrain.training.network._torch import Training
from cotrain.training.network._torch_trunks import SparseTrunk, empty_on
from cotrain.training.network._weights import TrainedNetwork


@dataclass(frozen=True)
class TorchEngine:
    """Trains fits side by side with PyTorch's own operations and gradients."""

    device: str | None = None  # a PyTorch device; None: a GPU if there is one
    dtype: torch.dtype = torch.float32  # float32, or float64 for comparisons
    fits_at_once: int = 32  # fits in one batched computation
    n_threads: int = 1  # threads of PyTorch on a CPU: one, since workers are one a core

    def train(
        self,
        table: TaskTable,
        fits: Sequence[Fit],
        model: NetworkSettings,
        stop: np.ndarray = NEVER,
    ) -> list[Outcome]:
        """The outcome of each fit, in order. A fit that fails does not stop the others."""
        torch.set_num_threads(self.n_threads)
        problems: dict[int, Problem] = {}
        outcomes: dict[int, Outcome] = {}
        for place, fit in enumerate(fits):
            try:
                problems[place] = Problem.of(table, fit, model.balance, model.is_one_sided)
            except FitError as error:
                outcomes[place] = FitFailure(str(error))
        # Fits with the most steps first: those still in an epoch are then always the first k.
        order = sorted(problems, key=lambda place: -problems[place].train.rows.size)
        for at in range(0, len(order), self.fits_at_once):
            places = order[at : at + self.fits_at_once]
            group = [problems[place] for place in places]
            seeds = [fits[place].seed for place in places]
            try:
                training = self._training(table, group, seeds, model)
                training.run(stop)
                outcomes |= {place: training.outcome(own) for own, place in enumerate(places)}
            except FitError as error:
                outcomes |= dict.fromkeys(places, FitFailure(str(error)))
            except (MemoryError, torch.OutOfMemoryError):
                reason = "out of memory; train fewer fits at once, or a smaller model"
                outcomes |= dict.fromkeys(places, FitFailure(reason))
        return [outcomes[place] for place in range(len(fits))]

    def train_weights(
        self, table: TaskTable, fit: Fit, model: NetworkSettings, stop: np.ndarray = NEVER
    ) -> TrainedNetwork:
        """The trained network of a fit; FitError if it cannot be trained."""
        torch.set_num_threads(self.n_threads)
        problem = Problem.of(table, fit, model.balance, model.is_one_sided)
        training = self._training(table, [problem], [fit.seed], model)
        training.run(stop)
        if training.failed[0] is not None:
            raise FitError(training.failed[0])
        return training.weights(0)

    def _training(
        self, table: TaskTable, problems: list[Problem], seeds: list[int], model: NetworkSettings
    ) -> Training:
        like = empty_on(self.device, self.dtype)
        trunk = SparseTrunk(table, model.hidden, model.dropout, seeds, like)
        return Training(problems, seeds, model, trunk, like)
