"""The torch engine's training of one fit, for those who look over its shoulder."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch
from scipy.sparse import csr_array

from cotrain.affinity._network import LabelledBatch, Parameters
from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.settings import ModelSettings
from cotrain.tasks import TaskTable
from cotrain.training._problem import Problem
from cotrain.training._randomness import keep_mask
from cotrain.training._schedule import learning_rate
from cotrain.training._torch import _Training
from cotrain.training._torch_trunks import Rows, SparseTrunk


class WatchedFit(_Training):
    """One fit as `TorchEngine` trains it on a CPU, with a look at each batch before its step.

    Attributes
    ----------
    look : callable
        Called with a `BatchView` before each step; what it does must not change the fit.
    """

    look: Callable[["BatchView"], None] | None = None

    @classmethod
    def of(
        cls, table: TaskTable, fit: Fit, model: ModelSettings, dtype: torch.dtype = torch.float32
    ) -> Self:
        """The fit before its first step.

        Raises
        ------
        FitError
            If there is nothing to learn.
        """
        like = torch.empty(0, dtype=dtype)
        problem = Problem.of(table, fit)
        trunk = SparseTrunk(table, model.hidden, model.dropout, [fit.seed], like)
        return cls([problem], [fit.seed], model, trunk, like)

    def train(self, look: Callable[["BatchView"], None] | None = None) -> None:
        """Train; `look` sees each batch, with the parameters as they are before the step.

        Raises
        ------
        FitError
            If training diverges, or cannot stop early for want of validation labels.
        """
        self.look = look
        # As the engine does: with more threads, sums would be taken in another order.
        torch.set_num_threads(1)
        self.run()
        if self.failed[0] is not None:
            raise FitError(self.failed[0])

    @property
    def problem(self) -> Problem:
        """What is trained on."""
        return self.problems[0]

    def network(self) -> Parameters:
        """The network as arrays, which change as it trains."""
        array = {name: value[0].numpy() for name, value in self.parameters.items()}
        hidden = [
            (array[f"weight{depth}"], array[f"bias{depth}"][0])
            for depth in range(len(self.model.hidden))
        ]
        return Parameters(hidden, (array["head_weight"], array["head_bias"][0]))

    def _step(self, batches: list[np.ndarray], epoch: int) -> np.ndarray:
        if self.look is not None:
            self.look(BatchView(self, batches[0], epoch))
        return super()._step(batches, epoch)


@dataclass(frozen=True, eq=False)
class BatchView:
    """A batch about to be trained on.

    Attributes
    ----------
    fit : WatchedFit
        The fit under way.
    batch : ndarray of int64, (B,)
        Places of the batch's rows among the training rows.
    epoch : int
        The epoch under way, counted from 0.
    """

    fit: WatchedFit
    batch: np.ndarray
    epoch: int

    @property
    def learning_rate(self) -> float:
        return learning_rate(self.fit.model, self.epoch)

    @cached_property
    def examples(self) -> np.ndarray:
        """The batch's examples, (B,)."""
        examples: np.ndarray = self.fit.problem.train.rows[self.batch]
        return examples

    @cached_property
    def features(self) -> csr_array:
        """The features of the batch's examples, (B, D)."""
        return self.fit.trunk.table.features[self.examples]

    @cached_property
    def task_counts(self) -> np.ndarray:
        """Labels of each member in the batch, (K,)."""
        member = self.fit.problem.train.member[self.labels()[0]]
        return np.bincount(member, minlength=self.fit.problem.members.size)

    def labelled(self) -> LabelledBatch:
        """The batch as lookaheads need it."""
        problem, trunk = self.fit.problem, self.fit.trunk
        assert isinstance(trunk, SparseTrunk)
        rows = Rows([self.examples], self.examples.size, self.epoch)
        with torch.no_grad():
            inputs = trunk._first(self.fit.parameters["weight0"], rows)
            first: np.ndarray = (inputs + self.fit.parameters["bias0"])[0].numpy()
        label, row = self.labels()
        order = np.argsort(problem.train.member[label], kind="stable")
        label, row = label[order], row[order]
        products = (self.features @ self.features.T).toarray()
        return LabelledBatch(
            first=first,
            products=products.astype(first.dtype, copy=False),
            keep=self._keep(first.dtype),
            row=row,
            task=problem.train.member[label].astype(np.int64),
            target=problem.targets(problem.train)[label],
            is_binary=problem.is_binary,
        )

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """The labels of the batch among those of training, and the row of each, (L,)."""
        start = self.fit.problem.train.start
        counts = np.diff(start)[self.batch]
        first = np.repeat(start[self.batch] - (np.cumsum(counts) - counts), counts)
        return first + np.arange(counts.sum()), np.repeat(np.arange(self.batch.size), counts)

    def _keep(self, dtype: np.dtype) -> list[np.ndarray]:
        rate, seed = self.fit.model.dropout, self.fit.seeds[0]
        return [
            keep_mask(seed, self.epoch, depth, self.examples, n_units, rate).astype(dtype)
            / dtype.type(1 - rate)
            for depth, n_units in enumerate(self.fit.model.hidden)
        ]
