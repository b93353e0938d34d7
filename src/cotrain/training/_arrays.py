"""Arrays of a trained model in one safetensors file: no code in it, nothing unpickled."""

from pathlib import Path

import numpy as np

from cotrain.exceptions import DataError
from cotrain.files import whole_file


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays; the same arrays give the same bytes."""
    from safetensors.numpy import save

    with whole_file(path) as part:
        part.write_bytes(save({name: np.ascontiguousarray(a) for name, a in arrays.items()}))


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read arrays that `save_arrays` wrote.

    Raises
    ------
    DataError
        If the file is missing or is not one.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); copy the whole folder, or run `cotrain export`"
        ) from error
