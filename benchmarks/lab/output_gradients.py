"""Gradients of outputs in random directions (Grad-TAG), from the compiled network."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.tasks import TaskTable
from cotrain.training import Problem
from cotrain.training.network import Network, NetworkSettings, TrainedNetwork


@dataclass(frozen=True, eq=False)
class OutputGradients:
    """What a base model says of each label, and how that moves with the model's parameters.

    The attributes are the arguments of `cotrain.surrogates.gradient_estimate`.

    Attributes
    ----------
    gradients : ndarray, (n_labels, n_directions)
        Projected gradient of the logit by all parameters.
    outputs : ndarray, (n_labels,)
        Logits.
    labels : ndarray, (n_labels,)
        0 or 1.
    tasks : ndarray of int64, (n_labels,)
        The task of each label.
    validation : ndarray of bool, (n_labels,)
        Whether the label is of a validation fold; the others were trained on.
    """

    gradients: np.ndarray
    outputs: np.ndarray
    labels: np.ndarray
    tasks: np.ndarray
    validation: np.ndarray


def output_gradients(
    table: TaskTable,
    fit: Fit,
    model: NetworkSettings,
    *,
    n_directions: int = 200,
    random_state: int = 0,
) -> OutputGradients:
    """The projected gradient of each label's logit in a fit, which is trained for it (Grad-TAG).

    The base model of arXiv 2409.06091: `fit` holds all tasks. Gradients are projected by a count
    sketch (Charikar, Chen and Farach-Colton 2002): every parameter is added to one direction drawn
    for it, with a random sign. That keeps inner products as random normal directions do, at a cost
    that does not grow with their number.

    Parameters
    ----------
    table : TaskTable
    fit : Fit
        The base model; its training and validation labels are returned.
    model : NetworkSettings
        The network, and the engine that trains it.
    n_directions : int
        Length of a projected gradient.
    random_state : int
        Seed of the projection.

    Raises
    ------
    FitError
        If the fit cannot be trained, or a member is not binary.
    ValueError
        If there is no direction.
    """
    if n_directions < 1:
        raise ValueError(f"n_directions must be at least 1, got {n_directions}")
    problem = Problem.of(table, fit)
    if not problem.is_binary.all():
        name = table.tasks[problem.members[np.argmin(problem.is_binary)]]
        raise FitError(f"the task `{name}` is not binary, which a logistic regression needs")
    weights = Network(model).fit(table, fit)
    sketch = _Sketch(n_directions, np.random.default_rng(random_state))
    uses = (problem.train, problem.validation)
    example = np.concatenate([np.repeat(use.rows, np.diff(use.start)) for use in uses])
    member = np.concatenate([use.member for use in uses])
    rows, row = np.unique(example, return_inverse=True)
    layers = _Layers.of(weights, table.features[rows])
    return OutputGradients(
        gradients=layers.gradients(row, member, sketch),
        outputs=layers.outputs(row, member),
        labels=np.concatenate([use.truth for use in uses]).astype(np.float64),
        tasks=problem.members[member],
        validation=np.arange(member.size) >= problem.train.truth.size,
    )


class _Sketch:
    """Draws which direction, with which sign, each parameter of a layer belongs to."""

    def __init__(self, n_directions: int, rng: np.random.Generator) -> None:
        self.n_directions, self._rng = n_directions, rng

    def of_unit(self, n_inputs: int) -> csr_array:
        """The projection of what leads to one unit, (n_inputs, n_directions)."""
        sign = self._rng.choice([-1.0, 1.0], n_inputs)
        direction = self._rng.integers(0, self.n_directions, n_inputs)
        shape = (n_inputs, self.n_directions)
        return csr_array((sign, (np.arange(n_inputs), direction)), shape=shape)


@dataclass(frozen=True, eq=False)
class _Layers:
    """A network and what enters each of its layers, (n_rows, n_inputs) each, heads last."""

    weights: TrainedNetwork
    inputs: list[np.ndarray | csr_array]

    @classmethod
    def of(cls, weights: TrainedNetwork, features: csr_array) -> "_Layers":
        inputs = [features.astype(np.float64)]
        for layer in weights.hidden:
            inputs.append(np.maximum(inputs[-1] @ layer.weight + layer.bias, 0.0))
        return cls(weights, inputs)

    def outputs(self, row: np.ndarray, member: np.ndarray) -> np.ndarray:
        heads = self.weights.heads
        return np.asarray((self.inputs[-1] @ heads.weight + heads.bias)[row, member], np.float64)

    def gradients(self, row: np.ndarray, member: np.ndarray, sketch: _Sketch) -> np.ndarray:
        """The projected gradient of each label's output, (n_labels, n_directions)."""
        result = np.zeros((row.size, sketch.n_directions))
        # Each head has one more input, for its bias, as has each unit below.
        for head in range(self.weights.tasks.size):
            own = member == head
            result[own] += self._seen(-1, row[own], sketch)
        slope = self.weights.heads.weight.T[member].astype(np.float64)
        for depth in reversed(range(len(self.weights.hidden))):
            slope *= self.inputs[depth + 1][row] > 0
            for unit in range(slope.shape[1]):
                active = np.flatnonzero(slope[:, unit])
                seen = self._seen(depth, row[active], sketch)
                result[active] += slope[active, unit, None] * seen
            slope = slope @ self.weights.hidden[depth].weight.T if depth else slope
        return result

    def _seen(self, depth: int, row: np.ndarray, sketch: _Sketch) -> np.ndarray:
        """Projected gradient of one unit's input by what leads to it, (n_labels, n_directions)."""
        inputs = self.inputs[depth]
        projection = sketch.of_unit(inputs.shape[1])
        bias = sketch.of_unit(1).toarray()
        projected = inputs @ projection
        if not isinstance(projected, np.ndarray):
            projected = projected.toarray()
        return np.asarray(projected + bias)[row]
