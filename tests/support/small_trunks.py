"""Trunks as a user would write them, good and bad, named by dotted paths in tests."""

import numpy as np
import torch
from torch import nn

from cotrain.training.network._recipe import initial_layers

NOT_A_FUNCTION = 3


def plain(shape, seed):
    return nn.Sequential(nn.Linear(shape[0], 24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 12))


def as_the_network(shape, seed):
    """The hidden layer of 16 units that a network starts with."""
    (layer,) = initial_layers([16], shape[0], seed, np.float32)
    linear = nn.Linear(shape[0], 16)
    linear.weight = nn.Parameter(torch.tensor(layer.weight.T))
    linear.bias = nn.Parameter(torch.tensor(layer.bias))
    return nn.Sequential(linear, nn.ReLU())


def dropped_and_normalised(shape, seed):
    # A bias before normalisation has a gradient of rounding alone, which Adam makes large.
    linear = nn.Linear(shape[0], 16, bias=False)
    return nn.Sequential(linear, nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3))


def normalised(shape, seed):
    return nn.Sequential(nn.Linear(shape[0], 16), nn.BatchNorm1d(16), nn.ReLU())


def picture(shape, seed):
    return nn.Sequential(
        nn.Conv2d(shape[0], 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * (shape[1] - 2) ** 2, 16)
    )


def frozen(shape, seed):
    module = nn.Sequential(nn.Linear(shape[0], 64), nn.ReLU())
    return module.requires_grad_(False)


def no_module(shape, seed):
    return np.zeros(shape)


def of_wrong_shape(shape, seed):
    return nn.Unflatten(1, (shape[0], 1))


def raises(shape, seed):
    raise RuntimeError("no such thing\nand more")


class Stubborn(nn.Module):
    """Fails in training alone."""

    def forward(self, x):
        if self.training:
            raise RuntimeError("not today\nreally")
        return x


def stubborn(shape, seed):
    return Stubborn()
