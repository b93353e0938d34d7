"""Lookaheads of the platform's network in closed form, without a gradient ever written out.

The gradient of task i by the first weights is sum_l x_l d_l', over its labels l: an input row and
what reaches the first layer from the label. After a step of size lr the layer gives

    X (W − lr sum_l x_l d_l') = X W − lr (X X') D,

where X X' holds the inner products of the batch's rows, which all lookaheads share, and D has a row
for each label of the task. A lookahead so costs its labels times rows times units, not features
times units; with few labels a row the batch's labels bound the cost of all lookaheads together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Parameters:
    """A network's parameters: hidden layers and heads as (weight, bias).

    Attributes
    ----------
    hidden : sequence of (Tensor (n_inputs, n_units), Tensor (n_units,))
        One layer or two, from the features up; ReLU and dropout follow each. Shared.
    heads : (Tensor (n_units, K), Tensor (K,))
        The heads, one unit a task.
    """

    hidden: Sequence[tuple[Tensor, Tensor]]
    heads: tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class LabelledBatch:
    """A batch as the lookaheads of a network need it.

    Attributes
    ----------
    first : Tensor, (B, n_units)
        What the first layer makes of the rows, before ReLU.
    products : Tensor, (B, B)
        Inner products of the rows' features.
    keep : sequence of Tensor, (B, n_units)
        What dropout multiplies each hidden layer by.
    row, task : Tensor of int64, (L,)
        The place of each label, sorted by task.
    target : Tensor, (L,)
        The labels.
    is_binary : Tensor of bool, (K,)
        Tasks with log loss; the others have squared error.
    """

    first: Tensor
    products: Tensor
    keep: Sequence[Tensor]
    row: Tensor
    task: Tensor
    target: Tensor
    is_binary: Tensor

    @property
    def n_tasks(self) -> int:
        return len(self.is_binary)

    @cached_property
    def counts(self) -> Tensor:
        """Labels of each task, (K,)."""
        return torch.bincount(self.task, minlength=self.n_tasks)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where the labels of each task begin and end."""
        ends = self.counts.cumsum(0).tolist()
        return list(zip([0, *ends[:-1]], ends, strict=True))


class NetworkLookahead:
    """Losses of all tasks on a batch, before and after a step of each task.

    A task's loss is the mean over its labels in the batch. Agrees with `Lookahead` on the same
    network, at a fraction of its cost when the features are many or the labels few.

    Parameters
    ----------
    parameters : Parameters
        The network.
    batch : LabelledBatch
        What to measure on.
    """

    def __init__(self, parameters: Parameters, batch: LabelledBatch) -> None:
        self._parameters = parameters
        self._batch = batch
        self._inputs = [batch.first]
        self._outputs = [_activated(batch.first, batch.keep[0])]
        for (weight, bias), keep in zip(parameters.hidden[1:], batch.keep[1:], strict=True):
            self._inputs.append(torch.addmm(bias, self._outputs[-1], weight))
            self._outputs.append(_activated(self._inputs[-1], keep))
        self._deltas = self._backward()

    def losses(self, head_lr: float = 0.0) -> Tensor:
        """The losses (K,), NaN for tasks without labels; heads first take a step of `head_lr`."""
        return self._losses(self._outputs[-1], self._heads(head_lr))

    def losses_after(self, lr: float, head_lr: float = 0.0) -> Tensor:
        """The losses after a step of size `lr` of each task, (K, K) as [source, recipient].

        Rows of tasks without labels, which cannot step, are NaN.
        """
        heads = self._heads(head_lr)
        after = self._batch.first.new_full((self._batch.n_tasks,) * 2, torch.nan)
        for source, span in enumerate(self._batch.spans):
            if span[0] < span[1]:
                after[source] = self._losses(self._top_after(slice(*span), lr), heads)
        return after

    def gram(self) -> Tensor:
        """Inner products of the tasks' gradients by the hidden weights, (K, K)."""
        row = self._batch.row
        between = self._batch.products[row][:, row] * (self._deltas[0] @ self._deltas[0].T)
        for output, delta in zip(self._outputs, self._deltas[1:], strict=False):
            between += (output @ output.T)[row][:, row] * (delta @ delta.T)
        of_task = torch.nn.functional.one_hot(self._batch.task, self._batch.n_tasks)
        of_task = of_task.to(between)
        return of_task.T @ between @ of_task

    def _backward(self) -> list[Tensor]:
        """What each label's loss sends to each hidden layer, from the first up, (L, n_units)."""
        batch = self._batch
        delta = self._slopes[:, None] * self._parameters.heads[0].T[batch.task]
        deltas = []
        for depth in reversed(range(len(self._inputs))):
            passes = (self._inputs[depth] > 0) * batch.keep[depth]
            delta = delta * passes[batch.row]
            deltas.append(delta)
            delta = delta @ self._parameters.hidden[depth][0].T if depth else delta
        return deltas[::-1]

    @cached_property
    def _slopes(self) -> Tensor:
        """Derivative of each label's share of its task's loss by its output, (L,)."""
        batch = self._batch
        output = self._label_outputs(self._outputs[-1], self._parameters.heads)
        slope = torch.where(
            batch.is_binary[batch.task],
            torch.sigmoid(output) - batch.target,
            2 * (output - batch.target),
        )
        return slope / batch.counts[batch.task]

    def _heads(self, lr: float) -> tuple[Tensor, Tensor]:
        weight, bias = self._parameters.heads
        if lr == 0:
            return weight, bias
        batch = self._batch
        pull = self._slopes[:, None] * self._outputs[-1][batch.row]
        return (
            weight - lr * torch.zeros_like(weight.T).index_add_(0, batch.task, pull).T,
            bias - lr * torch.zeros_like(bias).index_add_(0, batch.task, self._slopes),
        )

    def _top_after(self, labels: slice, lr: float) -> Tensor:
        """The last hidden layer after a step on `labels`, (B, n_units)."""
        batch = self._batch
        row = batch.row[labels]
        shift = (batch.products[:, row] + 1) @ self._deltas[0][labels]
        top = _activated(batch.first - lr * shift, batch.keep[0])
        for depth, (weight, bias) in enumerate(self._parameters.hidden[1:], start=1):
            delta = self._deltas[depth][labels]
            products = top @ self._outputs[depth - 1][row].T
            moved = torch.addmm(bias, top, weight) - lr * ((products + 1) @ delta)
            top = _activated(moved, batch.keep[depth])
        return top

    def _losses(self, top: Tensor, heads: tuple[Tensor, Tensor]) -> Tensor:
        batch = self._batch
        output = self._label_outputs(top, heads)
        loss = torch.where(
            batch.is_binary[batch.task],
            torch.nn.functional.softplus(output) - batch.target * output,
            (output - batch.target) ** 2,
        )
        sums = loss.new_zeros(batch.n_tasks).index_add_(0, batch.task, loss)
        return torch.where(batch.counts > 0, sums / batch.counts, torch.nan)

    def _label_outputs(self, top: Tensor, heads: tuple[Tensor, Tensor]) -> Tensor:
        weight, bias = heads
        row, task = self._batch.row, self._batch.task
        return (top[row] * weight.T[task]).sum(dim=1) + bias[task]


def _activated(values: Tensor, keep: Tensor) -> Tensor:
    return torch.relu(values) * keep
