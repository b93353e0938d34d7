"""A trained network as plain arrays."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from scipy.sparse import issparse

from cotrain.tasks import Features
from cotrain.training._learner import Trained


@dataclass(frozen=True, eq=False)
class Layer:
    """A dense layer: `weight` (n_inputs, n_units) and `bias` (n_units,)."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, eq=False)
class TrainedNetwork(Trained):
    """A trained network."""

    file = "network.safetensors"

    hidden: tuple[Layer, ...]  # from the features up; ReLU follows each
    heads: Layer  # linear, one unit a member

    def outputs(self, features: Features) -> np.ndarray:
        values = features if issparse(features) else features.reshape(features.shape[0], -1)
        for layer in self.hidden:
            values = np.maximum(values @ layer.weight + layer.bias, 0)
        output = np.asarray(values) @ self.heads.weight + self.heads.bias
        return np.asarray(output * self.scale + self.shift)

    def arrays(self) -> dict[str, np.ndarray]:
        arrays = self.facts()
        for depth, layer in enumerate((*self.hidden, self.heads)):
            arrays |= {f"weight_{depth}": layer.weight, f"bias_{depth}": layer.bias}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        depths = range(sum(name.startswith("weight_") for name in arrays))
        *hidden, heads = (Layer(arrays[f"weight_{at}"], arrays[f"bias_{at}"]) for at in depths)
        found = cls(hidden=tuple(hidden), heads=heads, **cls.facts_in(arrays))
        layers = [*hidden, heads]
        widths = [layers[0].weight.shape[0], *(layer.bias.size for layer in layers)]
        shapes = [layer.weight.shape for layer in layers]
        if shapes != list(pairwise(widths)) or widths[-1] != found.tasks.size:
            raise ValueError("its layers do not fit together")
        if not all(np.isfinite(part).all() for part in arrays.values()):
            raise ValueError("its numbers must be finite")
        return found
