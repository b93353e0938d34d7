from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Layer:
    """A dense layer: `weight` (n_inputs, n_units) and `bias` (n_units,)."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, eq=False)
class Weights:
    """A trained network, as plain arrays.

    Attributes
    ----------
    hidden : tuple of Layer
        The hidden layers, from the features up; ReLU follows each.
    heads : Layer
        The linear heads, one unit a member.
    tasks : ndarray of int64, (n_members,)
        The members.
    shift, scale : ndarray of float64, (n_members,)
        A real-valued member's prediction is its head's output times `scale` plus `shift`.
    """

    hidden: tuple[Layer, ...]
    heads: Layer
    tasks: np.ndarray
    shift: np.ndarray
    scale: np.ndarray

    def represent(self, features: csr_array) -> np.ndarray:
        """What the last hidden layer makes of each row, (n_rows, n_units)."""
        values = features
        for layer in self.hidden:
            values = np.maximum(values @ layer.weight + layer.bias, 0)
        return np.asarray(values)

    def predict(self, features: csr_array) -> np.ndarray:
        """Logits of binary members, values of real-valued ones, (n_rows, n_members)."""
        output = self.represent(features) @ self.heads.weight + self.heads.bias
        return np.asarray(output * self.scale + self.shift)
