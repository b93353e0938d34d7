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

import numpy as np
from numba import njit
from scipy.special import expit

# What a layer takes from the one below: weight (n_inputs, n_units) and bias (n_units,).
Layer = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class LabelledBatch:
    """A batch as the lookaheads of a network need it."""

    first: np.ndarray  # (B, n_units): what the first layer makes of the rows, before ReLU
    products: np.ndarray  # (B, B): inner products of the rows' features
    # sequence of ndarray, (B, n_units): what dropout multiplies each hidden layer by
    keep: Sequence[np.ndarray]
    # (L,) of int64: the place of each label, sorted by task
    row: np.ndarray
    task: np.ndarray
    target: np.ndarray  # (L,): the labels
    is_binary: np.ndarray  # (K,) of bool: tasks with log loss; the others have squared error

    @property
    def n_tasks(self) -> int:
        return len(self.is_binary)

    @cached_property
    def counts(self) -> np.ndarray:
        """Labels of each task, (K,)."""
        return np.bincount(self.task, minlength=self.n_tasks)

    @cached_property
    def labels_by_row(self) -> tuple[np.ndarray, np.ndarray]:
        """The labels in the order of their rows, (L,), and where those of each row start."""
        counts = np.bincount(self.row, minlength=len(self.first))
        return np.argsort(self.row, kind="stable"), np.concatenate([[0], np.cumsum(counts)])

    @cached_property
    def labels_of(self) -> dict[int, slice]:
        """The labels of each task that has some."""
        ends = np.cumsum(self.counts).tolist()
        tasks = np.flatnonzero(self.counts).tolist()
        return {task: slice(ends[task] - int(self.counts[task]), ends[task]) for task in tasks}


class NetworkLookahead:
    """Losses of all tasks on a batch, before and after a step of each task.

    A task's loss is the mean over its labels in the batch. Agrees with `Lookahead` on the same
    network, at a fraction of its cost when the features are many or the labels few.

    The `hidden` layers, one or two from the features up, are shared; ReLU and dropout follow each.
    The heads, one unit a task, take a gradient step of size `head_lr` before losses are measured.
    """

    def __init__(
        self, hidden: Sequence[Layer], heads: Layer, batch: LabelledBatch, head_lr: float = 0.0
    ) -> None:
        self._batch = batch
        self._hidden = hidden
        self._inputs = [batch.first]
        self._outputs = [_activated(batch.first, batch.keep[0])]
        for (weight, bias), keep in zip(self._hidden[1:], batch.keep[1:], strict=True):
            self._inputs.append(self._outputs[-1] @ weight + bias)
            self._outputs.append(_activated(self._inputs[-1], keep))
        slopes = self._slopes(heads)
        self._deltas = self._backward(heads[0], slopes)
        self._heads = self._stepped(heads, slopes, head_lr)

    def losses(self) -> np.ndarray:
        """The losses before, (K,); NaN for tasks without labels."""
        return self._losses(self._inputs[-1], np.zeros_like(self._inputs[-1]), 0.0)

    def losses_after(self, lr: float) -> np.ndarray:
        """The losses after a step of size `lr` of each task, (K, K) as [source, recipient].

        Rows of tasks without labels, which cannot step, are NaN.
        """
        batch = self._batch
        after = np.full((batch.n_tasks, batch.n_tasks), np.nan)
        # One row a label and all rows of the batch, so that a task's part is one piece of memory.
        products = batch.products[batch.row] + 1
        for source, labels in batch.labels_of.items():
            shift = products[labels].T @ self._deltas[0][labels]
            values = batch.first
            for depth, (weight, bias) in enumerate(self._hidden[1:], start=1):
                top = _activated(values - lr * shift, batch.keep[depth - 1])
                below = self._outputs[depth - 1][batch.row[labels]]
                values = top @ weight + bias
                shift = (top @ below.T + 1) @ self._deltas[depth][labels]
            after[source] = self._losses(values, shift, lr)
        return after

    def gram(self) -> np.ndarray:
        """Inner products of the tasks' gradients by the hidden weights, (K, K)."""
        batch = self._batch
        below = [output @ output.T for output in self._outputs[:-1]]
        gram = np.zeros((batch.n_tasks, batch.n_tasks))
        for depth, products in enumerate([batch.products, *below]):
            delta = self._deltas[depth]
            of_label = products[batch.row]
            for source, labels in batch.labels_of.items():
                pull = of_label[labels].T @ delta[labels]
                dots = _row_dots(pull, batch.row, delta)
                gram[source] += np.bincount(batch.task, weights=dots, minlength=batch.n_tasks)
        return gram

    def _slopes(self, heads: Layer) -> np.ndarray:
        """Derivative of each task's loss by the output for each of its labels, (L,)."""
        batch, (weight, bias) = self._batch, heads
        output = (self._outputs[-1] @ weight + bias)[batch.row, batch.task]
        binary = batch.is_binary[batch.task]
        error = np.where(binary, expit(output), output) - batch.target
        slope = np.where(binary, 1, 2) * error / batch.counts[batch.task]
        return slope.astype(output.dtype)

    def _backward(self, head_weight: np.ndarray, slopes: np.ndarray) -> list[np.ndarray]:
        """What each label's loss sends to each hidden layer, from the first up, (L, n_units)."""
        batch = self._batch
        delta = slopes[:, None] * head_weight.T[batch.task]
        deltas = []
        for depth in reversed(range(len(self._inputs))):
            delta *= ((self._inputs[depth] > 0) * batch.keep[depth])[batch.row]
            deltas.append(delta)
            if depth > 0:
                delta = delta @ self._hidden[depth][0].T
        return deltas[::-1]

    def _stepped(
        self, heads: Layer, slopes: np.ndarray, lr: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """The heads, as (K, n_units) and (K,), after a step of size `lr`."""
        weight, bias = np.ascontiguousarray(heads[0].T), heads[1].copy()
        for task, labels in self._batch.labels_of.items():
            weight[task] -= lr * slopes[labels] @ self._outputs[-1][self._batch.row[labels]]
            bias[task] -= lr * slopes[labels].sum()
        return weight, bias

    def _losses(self, values: np.ndarray, shift: np.ndarray, lr: float) -> np.ndarray:
        """The losses with a last hidden layer of `values` − `lr` `shift` before ReLU, (K,)."""
        batch, lr = self._batch, values.dtype.type(lr)
        given = values, shift, lr, batch.keep[-1], *self._heads
        output = _label_outputs(*given, batch.task, *batch.labels_by_row)
        loss = np.where(
            batch.is_binary[batch.task],
            np.logaddexp(0, output) - batch.target * output,
            (output - batch.target) ** 2,
        )
        sums = np.bincount(batch.task, weights=loss, minlength=batch.n_tasks)
        return np.where(batch.counts > 0, sums / np.maximum(batch.counts, 1), np.nan)


# One pass from the last hidden layer to the outputs: this is what K lookaheads repeat K times, and
# in whole-array operations memory traffic would make it the bulk of the cost. Sums may be taken in
# any order, for else they could not be vectorised.
@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _label_outputs(values, shift, lr, keep, weight, bias, task, labels, start):  # type: ignore[no-untyped-def]
    """The output of each label, float64 (L,)."""
    output = np.empty(task.size, np.float64)
    top = np.empty(values.shape[1], values.dtype)
    zero = values.dtype.type(0)
    for row in range(values.shape[0]):
        for unit in range(top.size):
            moved = values[row, unit] - lr * shift[row, unit]
            top[unit] = max(moved, zero) * keep[row, unit]
        for at in range(start[row], start[row + 1]):
            label = labels[at]
            total = zero
            for unit in range(top.size):
                total += top[unit] * weight[task[label], unit]
            output[label] = total + bias[task[label]]
    return output


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _row_dots(values, row, others):  # type: ignore[no-untyped-def]
    """Inner product of each of `others` (L, n_units) with its row of `values`, float64 (L,)."""
    dots = np.empty(row.size, np.float64)
    for label in range(row.size):
        total = values.dtype.type(0)
        for unit in range(values.shape[1]):
            total += values[row[label], unit] * others[label, unit]
        dots[label] = total
    return dots


def _activated(values: np.ndarray, keep: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0) * keep
