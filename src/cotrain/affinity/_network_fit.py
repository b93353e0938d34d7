"""The platform's network in training, step by step, for those who look over its shoulder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, embedding_bag

from cotrain.affinity._network import LabelledBatch, Parameters
from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.settings import ModelSettings
from cotrain.tasks import TaskTable
from cotrain.training._problem import Problem
from cotrain.training._randomness import epoch_order, keep_mask
from cotrain.training._recipe import (
    check_loss,
    initial_heads,
    initial_layers,
    label_weights,
    mean_loss,
)
from cotrain.training._schedule import batch_size, learning_rate


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of a fit and their labels.

    Attributes
    ----------
    features : csr_array, (B, D)
        The rows' features.
    keep : tuple of Tensor, (B, n_units)
        What dropout multiplies each hidden layer by.
    row, task : ndarray of int64, (L,)
        The place of each label: row of the batch, member of the fit.
    target, weight : Tensor, (L,)
        The labels as they are trained on, and the weights of their losses.
    is_binary : Tensor of bool, (K,)
        The kind of each member.
    """

    features: csr_array
    keep: tuple[Tensor, ...]
    row: np.ndarray
    task: np.ndarray
    target: Tensor
    weight: Tensor
    is_binary: Tensor

    @cached_property
    def bag(self) -> tuple[Tensor, Tensor, Tensor]:
        """Indices, offsets and values for `embedding_bag`."""
        indices = torch.from_numpy(self.features.indices.astype(np.int64))
        offsets = torch.from_numpy(self.features.indptr[:-1].astype(np.int64))
        return indices, offsets, torch.from_numpy(self.features.data).to(self.target)

    def first(self, weight: Tensor, bias: Tensor) -> Tensor:
        """What the first layer makes of the rows, before ReLU, (B, n_units)."""
        indices, offsets, values = self.bag
        return embedding_bag(indices, weight, offsets, mode="sum", per_sample_weights=values) + bias

    def labelled(self, first: Tensor) -> LabelledBatch:
        """The batch as lookaheads need it, from what the first layer makes of it."""
        order = np.argsort(self.task, kind="stable")
        values = first.detach().numpy()
        return LabelledBatch(
            first=values,
            products=(self.features @ self.features.T).toarray().astype(values.dtype, copy=False),
            keep=[keep.numpy() for keep in self.keep],
            row=self.row[order],
            task=self.task[order],
            target=self.target.numpy()[order],
            is_binary=self.is_binary.numpy(),
        )


@dataclass(eq=False)
class NetworkFit:
    """One fit on torch tensors: initial weights, order and dropout are those of the engines.

    Attributes
    ----------
    problem : Problem
        What is trained on.
    hidden, heads
        The network's layers from the features up, and its heads, each as (weight, bias).
    epoch, n_steps : int
        The epoch under way and the steps done.
    learning_rate : float
        That of the epoch under way.
    """

    problem: Problem
    hidden: list[tuple[Tensor, Tensor]]
    heads: tuple[Tensor, Tensor]
    table: TaskTable
    model: ModelSettings
    seed: int
    epoch: int = 0
    n_steps: int = 0

    @classmethod
    def of(
        cls,
        table: TaskTable,
        fit: Fit,
        model: ModelSettings,
        dtype: type[np.floating] = np.float32,
    ) -> "NetworkFit":
        """The fit before its first step.

        Raises
        ------
        FitError
            If there is nothing to learn.
        """
        problem = Problem.of(table, fit)
        layers = initial_layers(model.hidden, table.n_features, fit.seed, dtype)
        heads = initial_heads(problem.members, model.hidden[-1], fit.seed, dtype)
        hidden = [(_trainable(layer.weight), _trainable(layer.bias)) for layer in layers]
        head = (_trainable(heads.weight), _trainable(heads.bias))
        return cls(problem, hidden, head, table, model, fit.seed)

    @property
    def parameters(self) -> Parameters:
        """The network as arrays, which change as it trains."""
        return Parameters([_arrays(layer) for layer in self.hidden], _arrays(self.heads))

    @property
    def learning_rate(self) -> float:
        return learning_rate(self.model, self.epoch)

    def run(self, before_step: Callable[[Batch], None] = lambda _: None) -> None:
        """Train; `before_step` sees each batch, with the parameters as they are before the step.

        Raises
        ------
        FitError
            If training diverges.
        """
        optimizer = self._optimizer()
        best_loss, best_epoch = np.inf, -1
        for epoch in range(self.model.epochs):
            self.epoch = epoch
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate
            check_loss(self._train_epoch(optimizer, before_step), epoch)
            if self.model.patience > 0:
                loss = self._validation_loss()
                if loss < best_loss:
                    best_loss, best_epoch = loss, epoch
                if epoch - best_epoch >= self.model.patience:
                    break

    def _train_epoch(
        self, optimizer: torch.optim.Optimizer, before_step: Callable[[Batch], None]
    ) -> float:
        total = 0.0
        for batch in self.batches():
            before_step(batch)
            optimizer.zero_grad()
            loss = self._loss(batch)
            loss.backward()
            optimizer.step()
            self.n_steps += 1
            total += loss.item()
        return total

    def _validation_loss(self) -> float:
        labels = self.problem.validation
        if labels.rows.size == 0:
            raise FitError("early stopping needs validation labels, and there are none")
        values = self.table.features[labels.rows]
        for weight, bias in (_arrays(layer) for layer in self.hidden):
            values = np.maximum(values @ weight + bias, 0)
        weight, bias = _arrays(self.heads)
        row = np.repeat(np.arange(labels.rows.size), np.diff(labels.start))
        return mean_loss(self.problem, labels, (values @ weight + bias)[row, labels.member])

    def batches(self) -> Iterator[Batch]:
        """The batches of the epoch under way."""
        train = self.problem.train
        targets, weights = self.problem.targets(train), label_weights(self.problem, train)
        size = batch_size(self.model, train.rows.size)
        order = epoch_order(self.seed, self.epoch, train.rows)
        is_binary = torch.from_numpy(self.problem.is_binary)
        bias = self.hidden[0][1]
        for at in range(0, order.size, size):
            chosen = order[at : at + size]
            examples = train.rows[chosen]
            counts = train.start[chosen + 1] - train.start[chosen]
            row = np.repeat(np.arange(chosen.size), counts)
            label = np.arange(row.size) + np.repeat(
                train.start[chosen] - (np.cumsum(counts) - counts), counts
            )
            yield Batch(
                features=self.table.features[examples],
                keep=self._keep(examples),
                row=row,
                task=train.member[label].astype(np.int64),
                target=torch.from_numpy(targets[label]).to(bias),
                weight=torch.from_numpy(weights[label]).to(bias),
                is_binary=is_binary,
            )

    def _keep(self, examples: np.ndarray) -> tuple[Tensor, ...]:
        rate = self.model.dropout
        masks = [
            keep_mask(self.seed, self.epoch, depth, examples, n_units, rate)
            for depth, n_units in enumerate(self.model.hidden)
        ]
        bias = self.hidden[0][1].detach()
        return tuple(torch.from_numpy(mask).to(bias) / (1 - rate) for mask in masks)

    def _loss(self, batch: Batch) -> Tensor:
        top = torch.relu(batch.first(*self.hidden[0])) * batch.keep[0]
        for (weight, bias), keep in zip(self.hidden[1:], batch.keep[1:], strict=True):
            top = torch.relu(torch.addmm(bias, top, weight)) * keep
        weight, bias = self.heads
        output = torch.addmm(bias, top, weight)[batch.row, batch.task]
        loss = torch.where(
            batch.is_binary[batch.task],
            binary_cross_entropy_with_logits(output, batch.target, reduction="none"),
            (output - batch.target) ** 2,
        )
        return (batch.weight * loss).sum() / batch.features.shape[0]

    def _optimizer(self) -> torch.optim.Optimizer:
        layers = [*self.hidden, self.heads]
        decay = self.model.weight_decay
        groups = [
            {"params": [weight for weight, _ in layers], "weight_decay": decay},
            {"params": [bias for _, bias in layers], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.model.learning_rate)


def _trainable(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array).requires_grad_()


def _arrays(layer: tuple[Tensor, Tensor]) -> tuple[np.ndarray, np.ndarray]:
    weight, bias = layer
    return weight.detach().numpy(), bias.detach().numpy()
