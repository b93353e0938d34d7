"""A trained network as plain arrays."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import issparse

from cotrain.exceptions import DataError
from cotrain.tasks import Features
from cotrain.training._arrays import load_arrays, save_arrays
from cotrain.training._learner import Trained

_FILE = "network.safetensors"


@dataclass(frozen=True, eq=False)
class Layer:
    """A dense layer: `weight` (n_inputs, n_units) and `bias` (n_units,)."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, eq=False)
class TrainedNetwork(Trained):
    """A trained network.

    Attributes
    ----------
    hidden : tuple of Layer
        The hidden layers, from the features up; ReLU follows each.
    heads : Layer
        The linear heads, one unit a member.
    tasks : ndarray of int64, (n_members,)
        The members.
    is_binary : ndarray of bool, (n_members,)
    shift, scale : ndarray of float64, (n_members,)
        A real-valued member's prediction is its head's output times `scale` plus `shift`.
    """

    hidden: tuple[Layer, ...]
    heads: Layer
    tasks: np.ndarray
    is_binary: np.ndarray
    shift: np.ndarray
    scale: np.ndarray

    def represent(self, features: Features) -> np.ndarray:
        """What the last hidden layer makes of each row, (n_rows, n_units)."""
        values = features if issparse(features) else features.reshape(features.shape[0], -1)
        for layer in self.hidden:
            values = np.maximum(values @ layer.weight + layer.bias, 0)
        return np.asarray(values)

    def outputs(self, features: Features) -> np.ndarray:
        """Logits of binary members, values of real-valued ones, (n_rows, n_members)."""
        output = self.represent(features) @ self.heads.weight + self.heads.bias
        return np.asarray(output * self.scale + self.shift)

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return sum(part.weight.size + part.bias.size for part in (*self.hidden, self.heads))

    def save(self, folder: Path) -> None:
        """Write `network.safetensors`."""
        arrays = {name: getattr(self, name) for name in ("tasks", "is_binary", "shift", "scale")}
        for depth, layer in enumerate((*self.hidden, self.heads)):
            arrays |= {f"weight_{depth}": layer.weight, f"bias_{depth}": layer.bias}
        save_arrays(folder / _FILE, arrays)

    @classmethod
    def load(cls, folder: Path) -> "TrainedNetwork":
        """Read what `save` wrote.

        Raises
        ------
        DataError
            If the file is missing, or is no network.
        """
        path = folder / _FILE
        arrays = load_arrays(path)
        try:
            n_layers = sum(name.startswith("weight_") for name in arrays)
            layers = [
                Layer(arrays[f"weight_{depth}"], arrays[f"bias_{depth}"])
                for depth in range(n_layers)
            ]
            members = [arrays[name] for name in ("tasks", "is_binary", "shift", "scale")]
            widths = [layers[0].weight.shape[0], *(layer.bias.size for layer in layers)]
            wanted = [*pairwise(widths), *[(members[0].size,)] * 4]
            found = [*(layer.weight.shape for layer in layers), *(part.shape for part in members)]
            if found != wanted or layers[-1].bias.size != members[0].size:
                raise ValueError("its layers do not fit together")
            if not all(np.isfinite(part).all() for part in arrays.values()):
                raise ValueError("its numbers must be finite")
        except (KeyError, IndexError, ValueError) as error:
            raise DataError(
                f"{path}: is no network ({error}); run `cotrain export` again"
            ) from error
        return cls(tuple(layers[:-1]), layers[-1], *members)
