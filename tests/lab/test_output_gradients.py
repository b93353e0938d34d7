from itertools import pairwise

import numpy as np
import pytest
import torch
from random_fits import make_model, make_table
from scipy.sparse import csr_array

from cotrain.allocation import rotations, subset_fit
from cotrain.exceptions import FitError
from cotrain.training.network._torch import TorchEngine
from lab import output_gradients as module
from lab.gradient_estimate import gradient_estimate
from lab.output_gradients import output_gradients

N_TASKS = 4


@pytest.fixture(scope="module")
def table():
    return make_table(n=120, n_features=12, n_tasks=N_TASKS, real=())


def base_fit(members=range(N_TASKS)):
    return subset_fit(N_TASKS, members, 2, rotations(5, 2, 1, 1, seed=0)[0])


class EveryParameter:
    """In place of a sketch: a direction for each parameter, in the order they are asked for."""

    def __init__(self, n_directions, _rng):
        self.n_directions, self.at = n_directions, 0

    def of_unit(self, n_inputs):
        direction = self.at + np.arange(n_inputs)
        self.at += n_inputs
        values = (np.ones(n_inputs), (np.arange(n_inputs), direction))
        return csr_array(values, shape=(n_inputs, self.n_directions))


def by_autograd(table, fit, model, found):
    """Gradients of the same logits by PyTorch, flattened: (n_labels, n_parameters)."""
    weights = TorchEngine().train_weights(table, fit, model)
    layers = [*weights.hidden, weights.heads]
    parameters = [
        torch.tensor(part, dtype=torch.float64, requires_grad=True)
        for layer in layers
        for part in (layer.weight, layer.bias)
    ]
    values = torch.tensor(table.features.toarray(), dtype=torch.float64)
    for depth in range(len(layers)):
        values = values @ parameters[2 * depth] + parameters[2 * depth + 1]
        values = values if depth == len(layers) - 1 else values.relu()
    folds = np.array(fit.allocation.folds), np.array(fit.folds.validation)
    outputs, gradients = [], []
    for use in folds:
        rows, tasks = np.nonzero(np.isin(table.folds, use)[:, None] & (known(table)))
        for row, task in zip(rows, tasks, strict=True):
            output = values[row, task]
            parts = torch.autograd.grad(output, parameters, retain_graph=True)
            outputs.append(output.item())
            gradients.append(torch.cat([part.ravel() for part in parts]).numpy())
    return np.array(outputs), np.array(gradients)


def known(table):
    mask = np.zeros(table.labels.shape, dtype=bool)
    mask[np.repeat(np.arange(len(mask)), np.diff(table.labels.indptr)), table.labels.indices] = True
    return mask


@pytest.mark.parametrize("hidden", [[6], [6, 5]])
def test_gradients_are_those_of_autograd(table, hidden, monkeypatch):
    model, fit = make_model(engine="torch", hidden=hidden), base_fit()
    monkeypatch.setattr(module, "_Sketch", EveryParameter)
    sizes = [12, *hidden, N_TASKS]
    n_parameters = sum((n + 1) * m for n, m in pairwise(sizes))
    found = output_gradients(table, fit, model, n_directions=n_parameters)
    outputs, gradients = by_autograd(table, fit, model, found)
    np.testing.assert_allclose(found.outputs, outputs, atol=1e-5)
    # The directions come in another order, which inner products do not see.
    np.testing.assert_allclose(
        found.gradients @ found.gradients.T, gradients @ gradients.T, atol=1e-4
    )


def test_a_sketch_keeps_inner_products(table, monkeypatch):
    model, fit = make_model(engine="torch", hidden=[6]), base_fit()
    sketched = output_gradients(table, fit, model, n_directions=4000).gradients
    monkeypatch.setattr(module, "_Sketch", EveryParameter)
    whole = output_gradients(table, fit, model, n_directions=13 * 6 + 7 * 4).gradients
    exact = whole @ whole.T
    error = sketched @ sketched.T - exact
    assert np.abs(error).mean() < 0.05 * np.abs(exact).mean()


def test_labels_are_those_of_the_fit(table):
    fit = base_fit([0, 2, 3])
    found = output_gradients(table, fit, make_model(engine="torch"), n_directions=5)
    counts = table.label_counts
    for use, rows in ((fit.folds.validation, found.validation), ((0, 1), ~found.validation)):
        expected = counts[:, list(use)].sum(axis=1)
        np.testing.assert_array_equal(
            np.bincount(found.tasks[rows], minlength=N_TASKS), np.where([1, 0, 1, 1], expected, 0)
        )
    estimate = gradient_estimate(**vars(found), X=[[1, 0, 1, 0]])
    assert np.isfinite(estimate.scores[0, [0, 2]]).all()


def test_bad_input(table):
    model = make_model(engine="torch")
    with pytest.raises(ValueError, match="n_directions must be at least 1"):
        output_gradients(table, base_fit(), model, n_directions=0)
    real = make_table(n=120, n_features=12, n_tasks=N_TASKS, real=(2,))
    with pytest.raises(FitError, match="`task2` is not binary"):
        output_gradients(real, base_fit(), model)
