"""Trunks as a user would write them, good and bad, named by dotted paths in tests."""

import numpy as np
from torch import nn

NOT_A_FUNCTION = 3


def plain(shape, seed):
    return nn.Sequential(nn.Linear(shape[0], 24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 12))


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
