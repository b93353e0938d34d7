"""Features of the examples trained on, to safetensors and back: every shape checked."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.tasks import Features


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
    """Return features that `pack_features` packed, (N, ...) of `n_features` numbers a row."""
    try:
        arrays = load(data)
        if "dense" in arrays:
            found = arrays["dense"]
            if np.prod(found.shape[1:]) != n_features:
                raise ValueError(f"got shape {found.shape}")
            return found
        shape = (arrays["start"].size - 1, n_features)
        found = csr_array((arrays["value"], arrays["column"], arrays["start"]), shape)
        found.check_format()
    except (SafetensorError, KeyError, ValueError, TypeError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: must hold features ({reason}); run `cotrain export` again"
        ) from error
    return found
