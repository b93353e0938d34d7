"""A small convolutional trunk, for images of 36 x 36 pixels or any others."""

from torch import nn


def convolutions(shape, _seed):
    """Map images (n, *shape) to (n, 64); initial weights follow from the seed, already set."""
    return nn.Sequential(
        nn.AvgPool2d(2),
        nn.Conv2d(shape[0], 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.LazyLinear(64),
        nn.ReLU(),
    )
