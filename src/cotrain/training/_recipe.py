"""What both engines do alike: initial weights, sizes of batches, learning rates, scores."""

from collections.abc import Callable

import numpy as np

from cotrain.exceptions import FitError
from cotrain.scores import score_tasks
from cotrain.training._problem import Labels, Problem
from cotrain.training._protocol import FitFailure, FitScores, Outcome
from cotrain.training._randomness import HEAD, TRUNK, fill_uniform
from cotrain.training._weights import Layer

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


def initial_heads(members: np.ndarray, n_inputs: int, seed: int, dtype: type[np.floating]) -> Layer:
    """The heads before training: Xavier uniform as of one output, by (seed, task); bias 0.

    A head's weights do not depend on what other heads there are, as Xavier's bound for all heads
    in one layer would.
    """
    weight = np.empty((members.size, n_inputs), dtype=dtype)
    bound = np.sqrt(6.0 / (n_inputs + 1))
    for place, task in enumerate(members):
        fill_uniform(seed, HEAD, task, bound, np.zeros(1, np.int64), weight[place : place + 1])
    return Layer(np.ascontiguousarray(weight.T), np.zeros(members.size, dtype=dtype))


def mean_loss(problem: Problem, labels: Labels, output: np.ndarray) -> float:
    """The weighted loss per row of labels, as in training."""
    target, z = problem.targets(labels), output.astype(np.float64)
    binary = problem.is_binary[labels.member]
    loss = np.where(binary, np.logaddexp(0.0, z) - target * z, (z - target) ** 2)
    return float((labels.weight * loss).sum() / labels.rows.size)


def check_loss(loss: float, epoch: int) -> None:
    """Raise FitError if training has diverged."""
    if not np.isfinite(loss):
        raise FitError(f"the loss is not finite in epoch {epoch + 1}; lower model.learning_rate")


def fit_scores(
    problem: Problem, n_epochs: int, output_of: Callable[[Labels], np.ndarray]
) -> FitScores:
    """The scores of a trained network that gives `output_of` labels.

    A member without any training label has no scores: its head never learnt anything.
    """
    validation, test = (
        _scores_of(problem, labels, output_of(labels))
        for labels in (problem.validation, problem.test)
    )
    return FitScores(problem.members, problem.n_labels, validation, test, n_epochs)


def _scores_of(problem: Problem, labels: Labels, output: np.ndarray) -> np.ndarray:
    value = output * problem.scale[labels.member] + problem.shift[labels.member]
    scores = score_tasks(labels.member, labels.truth, value, problem.is_binary)
    scores[problem.n_labels == 0] = np.nan
    return scores


def outcome_of(train: Callable[[], FitScores]) -> Outcome:
    """What `train` returns, or why it failed."""
    try:
        return train()
    except FitError as error:
        return FitFailure(str(error))
    except MemoryError:
        return FitFailure("out of memory; use fewer workers, or a smaller model")
