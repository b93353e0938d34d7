from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cotrain.training.network._cost import pass_operations

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
