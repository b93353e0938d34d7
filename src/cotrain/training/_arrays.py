"""Arrays of a trained model in one safetensors file: no code in it, nothing unpickled."""

from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from cotrain.exceptions import DataError
from cotrain.files import whole_file


class Storable:
    """A model that arrays describe: by default a dataclass whose fields are arrays alone."""

    def arrays(self) -> dict[str, np.ndarray]:
        """All that the model is made of."""
        own: Any = self
        return {field.name: getattr(self, field.name) for field in fields(own)}

    @property
    def n_parameters(self) -> int:
        """How many numbers the model is made of."""
        return sum(array.size for array in self.arrays().values())

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The model that `arrays` described; LookupError or ValueError if they describe none."""
        kind: Any = cls
        return cls(**{field.name: arrays[field.name] for field in fields(kind)})


def put_under(name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a part, by names that tell the part."""
    return {f"{name}/{key}": array for key, array in arrays.items()}


def taken_from(name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a part that `put_under` named."""
    start = f"{name}/"
    return {k.removeprefix(start): array for k, array in arrays.items() if k.startswith(start)}


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays; the same arrays give the same bytes."""
    from safetensors.numpy import save

    with whole_file(path) as part:
        part.write_bytes(save({name: np.ascontiguousarray(a) for name, a in arrays.items()}))


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read arrays that `save_arrays` wrote; DataError if the file is missing or is not one."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        todo = "copy the whole folder, or run `cotrain export`"
        raise DataError(f"{path}: cannot be read ({error}); {todo}") from error
