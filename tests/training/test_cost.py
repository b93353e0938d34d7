from itertools import pairwise

import numpy as np
import pytest
import torch
from random_fits import make_table
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cotrain.training.network._cost import _n_seen, pass_operations

N_ROWS, N_FEATURES, N_TASKS = 9, 24, 4


@pytest.mark.parametrize("hidden", [[16], [16, 12]])
def test_operations_of_a_pass_are_those_that_torch_counts(hidden):
    x = torch.ones(N_ROWS, N_FEATURES)
    layers = [nn.Linear(a, b) for a, b in pairwise([N_FEATURES, *hidden, N_TASKS])]
    with FlopCounterMode(display=False) as counter:
        for layer in layers:
            x = torch.relu(layer(x))
        x.sum().backward()
    counted = pass_operations(N_ROWS, N_ROWS * N_FEATURES, hidden, N_TASKS)
    assert counted == counter.get_total_flops()


def test_features_that_rows_have_are_foreseen():
    table, rng = make_table(seed=1), np.random.default_rng(0)
    sizes = np.array([3, 10, table.n_examples // 2, table.n_examples])
    features = table.sparse_features
    seen = [
        np.mean(
            [
                np.unique(features[rng.choice(table.n_examples, n, replace=False)].indices).size
                for _ in range(200)
            ]
        )
        for n in sizes
    ]
    np.testing.assert_allclose(_n_seen(table, sizes), seen, rtol=0.15)
