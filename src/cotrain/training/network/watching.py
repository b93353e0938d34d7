"""One fit of the torch engine in the open: for those who look over its shoulder, or steer it.

Import it by its full name: it needs PyTorch, which the rest of the room does without.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.tasks import TaskTable
from cotrain.training._learner import NEVER
from cotrain.training._problem import Problem
from cotrain.training.network._randomness import keep_mask
from cotrain.training.network._settings import NetworkSettings
from cotrain.training.network._torch import Training, losses_of
from cotrain.training.network._torch_module import ModuleTrunk, TrainedModule, trained_module
from cotrain.training.network._torch_trunks import Rows, SparseTrunk, Trunk
from cotrain.training.network._trunk import TrunkSettings

__all__ = ["BatchView", "WatchedFit"]


class WatchedFit(Training):
    """One fit as `TorchEngine` or a learner on a trunk trains it on a CPU, each batch in the open.

    To combine the tasks' gradients in another way, override `gradients`. `parameters` are
    `weight0`, `bias0`, ... of the hidden layers or the module's own names, `head_weight`,
    `head_bias`, each with a leading axis of one fit; Adam changes them in place.
    """

    # called before each step; what it does must not change the fit
    look: Callable[["BatchView"], None] | None = None

    @classmethod
    def of(
        cls,
        table: TaskTable,
        fit: Fit,
        model: NetworkSettings | TrunkSettings,
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        """The fit before its first step.

        FitError if there is nothing to learn, or no trunk can be made.
        """
        like = torch.empty(0, dtype=dtype)
        # Affinities are those of labels: bounds are left out.
        problem = Problem.of(table, fit, model.balance)
        trunk: Trunk
        if isinstance(model, NetworkSettings):
            trunk = SparseTrunk(table, model.hidden, model.dropout, [fit.seed], like)
        else:
            trunk = ModuleTrunk(table, model, fit.seed, like)
        return cls([problem], [fit.seed], model, trunk, like)

    def train(
        self, look: Callable[["BatchView"], None] | None = None, stop: np.ndarray = NEVER
    ) -> None:
        """Train; `look` sees each batch, with the parameters as they are before the step.

        FitError if training diverges, is stopped, or cannot stop early for
        want of validation labels.
        """
        self.look = look
        # As the engine does: with more threads, sums would be taken in another order.
        torch.set_num_threads(1)
        self.run(stop)
        if self.failed[0] is not None:
            raise FitError(self.failed[0])

    @property
    def hidden(self) -> list[int]:
        """Units of each hidden layer of a network."""
        assert isinstance(self.model, NetworkSettings)
        return self.model.hidden

    @property
    def problem(self) -> Problem:
        return self.problems[0]

    def module(self) -> TrainedModule:
        """The model, once trained, of a fit on a module."""
        return trained_module(self)

    def gradients(self, batch: "BatchView") -> tuple[Tensor, dict[str, Tensor]]:
        """The batch's summed loss, (1,), and the gradient of each parameter that Adam follows."""
        return super().step_gradients([batch.batch], batch.epoch)

    def step_gradients(
        self, batches: list[np.ndarray], epoch: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        batch = BatchView(self, batches[0], epoch)
        if self.look is not None:
            self.look(batch)
        return self.gradients(batch)


@dataclass(frozen=True, eq=False)
class BatchView:
    """A batch about to be trained on."""

    fit: WatchedFit  # the fit under way
    batch: np.ndarray  # (B,) of int64: places of the batch's rows among the training rows
    epoch: int  # the epoch under way, counted from 0

    @property
    def learning_rate(self) -> float:
        return self.fit.model.rate(self.epoch)

    @cached_property
    def examples(self) -> np.ndarray:
        return self.fit.problem.train.rows[self.batch]

    @cached_property
    def features(self) -> csr_array:
        """The features of the batch's examples, (B, D)."""
        return self.fit.trunk.table.sparse_features[self.examples]

    @cached_property
    def task_counts(self) -> np.ndarray:
        """Labels of each member in the batch, (K,)."""
        member = self.fit.problem.train.member[self.labels()[0]]
        return np.bincount(member, minlength=self.fit.problem.members.size)

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """The labels of the batch among those of training, and the row of each, (L,)."""
        return self.fit.problem.train.within(self.batch)

    def first_sums(self) -> np.ndarray:
        """The first hidden layer before its ReLU, (B, n_units)."""
        assert isinstance(self.fit.trunk, SparseTrunk)
        with torch.no_grad():
            sums = self.fit.trunk.first_sums(self.fit.parameters, self._rows)
        return sums[0].numpy()

    def keep(self) -> list[np.ndarray]:
        """Dropout's factor of each unit of each hidden layer, (B, n_units): 0 or 1 / (1 - rate)."""
        assert isinstance(self.fit.trunk, SparseTrunk)
        rate, seed = self.fit.trunk.dropout, self.fit.seeds[0]
        dtype = np.dtype(np.float64 if self.fit.like.dtype == torch.float64 else np.float32)
        return [
            keep_mask(seed, self.epoch, depth, self.examples, n_units, rate).astype(dtype)
            / dtype.type(1 - rate)
            for depth, n_units in enumerate(self.fit.hidden)
        ]

    def task_losses(self, parameters: dict[str, Tensor]) -> Tensor:
        """Each member's share of the batch's mean loss, (K,), NaN without labels; differentiable.

        The shares add up to what the engines descend.
        """
        label, row = self.labels()
        target = tuple(part[torch.from_numpy(label)] for part in self.fit.targets)
        every = self.fit.every_output(parameters, self._rows)
        loss = losses_of(every[0, row, target[0]], target, self.fit.model.linear_from)
        counts = torch.from_numpy(self.task_counts)
        shares = loss.new_zeros(counts.numel()).index_add(0, target[0], loss)
        return torch.where(counts > 0, shares / self.examples.size, torch.nan)

    @property
    def _rows(self) -> Rows:
        return Rows([self.examples], self.examples.size, self.epoch)
