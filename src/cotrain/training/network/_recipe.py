"""What both engines do alike: initial weights, early stops, scores."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from cotrain.exceptions import FitError
from cotrain.training._problem import Labels, Problem
from cotrain.training._result import FitResult, fit_result
from cotrain.training.network._randomness import HEAD, TRUNK, fill_uniform
from cotrain.training.network._settings import RecipeSettings
from cotrain.training.network._weights import Layer

HIDDEN_BIAS = 0.1


def initial_layers(
    hidden: list[int],
    n_features: int,
    seed: int,
    dtype: type[np.floating],
    features: np.ndarray | None = None,
) -> tuple[Layer, ...]:
    """The hidden layers before training: Xavier uniform by (seed, layer), bias 0.1.

    The first has a row for each of `features`; None: all.
    """
    layers = []
    n_inputs = n_features
    inputs = np.arange(n_features) if features is None else features
    for depth, n_units in enumerate(hidden):
        weight = np.empty((inputs.size, n_units), dtype=dtype)
        bound = np.sqrt(6.0 / (n_inputs + n_units))
        fill_uniform(seed, TRUNK, depth, bound, inputs, weight)
        inputs = np.arange(n_units)
        layers.append(Layer(weight, np.full(n_units, HIDDEN_BIAS, dtype=dtype)))
        n_inputs = n_units
    return tuple(layers)


def initial_heads(
    problem: Problem, n_inputs: int, seed: int, dtype: type[np.floating], base_rate: bool = False
) -> Layer:
    """The heads before training: Xavier uniform as of one output, by (seed, task).

    The bias is 0, or with `base_rate` the logit of a binary member's share of positives.
    A head's weights do not depend on what other heads there are, as Xavier's bound for all heads
    in one layer would.
    """
    members = problem.members
    weight = np.empty((members.size, n_inputs), dtype=dtype)
    bound = np.sqrt(6.0 / (n_inputs + 1))
    for place, task in enumerate(members):
        fill_uniform(seed, HEAD, task, bound, np.zeros(1, np.int64), weight[place : place + 1])
    bias = problem.base_logits() if base_rate else np.zeros(members.size)
    return Layer(np.ascontiguousarray(weight.T), bias.astype(dtype))


class EarlyStop:
    """With `patience`, ends a fit as it was after the epoch with the lowest validation loss.

    FitError if there is patience, and no validation label.
    """

    def __init__(
        self,
        model: RecipeSettings,
        problem: Problem,
        outputs: Callable[[Labels], np.ndarray],  # of the network for some labels, (n_labels,)
        state: Callable[[], Sequence[Any]],  # the arrays or tensors that training changes, in place
    ) -> None:
        if model.patience > 0 and problem.validation.rows.size == 0:
            raise FitError("early stopping needs validation labels, and there are none")
        self._model, self._problem, self._outputs, self._state = model, problem, outputs, state
        self._best_loss, self._best_epoch = np.inf, -1
        self._best: Sequence[Any] | None = None

    def is_over(self, epoch: int) -> bool:
        """Look at the validation loss after `epoch`; whether it has not fallen for too long."""
        if self._model.patience == 0:
            return False
        loss = self._mean_loss(self._problem.validation)
        if loss < self._best_loss:
            self._best_loss, self._best_epoch = loss, epoch
            self._best = deepcopy(self._state())
        return epoch - self._best_epoch >= self._model.patience

    def restore(self, n_epochs: int) -> int:
        """Put the best state back; the epochs that it was trained for, of `n_epochs`."""
        if self._best is None:
            return n_epochs
        for part, kept in zip(self._state(), self._best, strict=True):
            part[...] = kept
        return self._best_epoch + 1

    def _mean_loss(self, labels: Labels) -> float:
        """The weighted loss per row of labels, as in training."""
        problem, linear_from = self._problem, self._model.linear_from
        target, z = problem.targets(labels), self._outputs(labels).astype(np.float64)
        binary = problem.is_binary[labels.member]
        size = np.abs(z - target)
        straight = size > linear_from
        edge = np.where(straight, linear_from, 0.0)
        real = np.where(straight, edge * (2 * size - edge), size**2)
        loss = np.where(binary, np.logaddexp(0.0, z) - target * z, real)
        return float((labels.weight * loss).sum() / labels.rows.size)


def check_loss(loss: float, epoch: int) -> None:
    """Raise FitError if training has diverged."""
    if not np.isfinite(loss):
        raise FitError(
            f"the loss is not finite in epoch {epoch + 1}; lower the learner's `learning_rate`"
        )


def network_result(
    problem: Problem, outputs: Callable[[Labels], np.ndarray], n_epochs: int
) -> FitResult:
    """The result of a fit from what its network gives for labels, standardised as in training."""
    validation, test = (
        outputs(labels) * problem.scale[labels.member] + problem.shift[labels.member]
        for labels in (problem.validation, problem.test)
    )
    return fit_result(problem, validation, test, n_epochs)
