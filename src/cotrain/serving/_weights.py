"""Arrays to safetensors and back: no code in the file, and every shape checked."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.tasks import Features
from cotrain.training.network import Layer, TrainedNetwork

Arrays = dict[str, np.ndarray]


def pack_weights(weights: TrainedNetwork) -> bytes:
    """Return a network as a safetensors file; the same network gives the same bytes."""
    arrays = {"shift": weights.shift, "scale": weights.scale}
    for depth, layer in enumerate((*weights.hidden, weights.heads)):
        arrays |= {f"weight_{depth}": layer.weight, f"bias_{depth}": layer.bias}
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def unpack_weights(
    path: Path,
    data: bytes,
    tasks: Sequence[int],
    is_binary: np.ndarray,
    n_features: int,
    hidden: Sequence[int],
) -> TrainedNetwork:
    """Return the network of `tasks` that `pack_weights` packed.

    Raises
    ------
    DataError
        If the file is not one, or is no network of these sizes.
    """
    sizes = [n_features, *hidden, len(tasks)]
    wanted: dict[str, tuple[int, ...]] = {"shift": (len(tasks),), "scale": (len(tasks),)}
    for depth, (n_inputs, n_units) in enumerate(pairwise(sizes)):
        wanted |= {f"weight_{depth}": (n_inputs, n_units), f"bias_{depth}": (n_units,)}
    arrays = _unpack(path, data)
    for name, shape in wanted.items():
        if name not in arrays or arrays[name].shape != shape:
            found = arrays[name].shape if name in arrays else "nothing"
            raise _damaged(path, f"`{name}` must have shape {shape}, got {found}")
        if not np.isfinite(arrays[name]).all():
            raise _damaged(path, f"`{name}` must be finite numbers")
    layers = [
        Layer(arrays[f"weight_{depth}"], arrays[f"bias_{depth}"]) for depth in range(len(sizes) - 1)
    ]
    return TrainedNetwork(
        tuple(layers[:-1]),
        layers[-1],
        np.array(tasks),
        is_binary,
        arrays["shift"],
        arrays["scale"],
    )


def pack_features(features: Features) -> bytes:
    """Return features (N, ...), sparse or dense, as a safetensors file."""
    if isinstance(features, np.ndarray):
        return save({"dense": np.ascontiguousarray(features)})
    return save(
        {
            "start": features.indptr.astype(np.int64),
            "column": features.indices.astype(np.int32),
            "value": features.data.astype(np.float32),
        }
    )


def unpack_features(path: Path, data: bytes, n_features: int) -> Features:
    """Return features that `pack_features` packed, (N, ...) of `n_features` numbers a row.

    Raises
    ------
    DataError
        If the file is not one.
    """
    arrays = _unpack(path, data)
    try:
        if "dense" in arrays:
            found = arrays["dense"]
            if np.prod(found.shape[1:]) != n_features:
                raise ValueError(f"got shape {found.shape}")
            return found
        shape = (arrays["start"].size - 1, n_features)
        found = csr_array((arrays["value"], arrays["column"], arrays["start"]), shape)
        found.check_format()
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged(path, f"it must hold features, {error}") from error
    return found


def _unpack(path: Path, data: bytes) -> Arrays:
    try:
        return load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(f"{path}: not as it was exported ({reason}); run `cotrain export` again")
