"""Learners on a trunk of PyTorch's or the user's own; PyTorch is imported when they train."""

import importlib
import inspect
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.sparse import issparse

from cotrain.allocation import Fit
from cotrain.exceptions import CotrainError, FitError
from cotrain.settings import Count
from cotrain.tasks import Features, Reads, TaskTable
from cotrain.training._learner import NEVER, Trained
from cotrain.training.network._cost import count_rows
from cotrain.training.network._learner import SharedTrunk
from cotrain.training.network._settings import Epochs, RecipeSettings

if TYPE_CHECKING:
    from torch import Tensor, nn

_STEP = 3e-3  # seconds of a step beside its operations, on one core of a 2023 server


class TrunkSettings(RecipeSettings):
    """Trained as the network is, but for the trunk, which they say how to make."""

    reads: ClassVar[Reads] = "features"  # what rows are; see `TaskTable.inputs`

    epochs: Epochs = 20
    decay_epochs: list[Count] = Field([15])

    @property
    @abstractmethod
    def trunk_name(self) -> str:
        """What errors call the trunk, and what models of another are told by."""

    @abstractmethod
    def make(self, shape: tuple[int, ...], seed: int) -> "nn.Module":
        """The trunk on examples of a shape; the seed is set already."""

    def example(self, shape: tuple[int, ...]) -> Features:
        """Two rows that a new trunk is tried on."""
        return np.zeros((2, *shape), dtype=np.float32)

    def batch(self, rows: Features, like: "Tensor") -> Any:
        """What the trunk takes of rows: by default a tensor (n, *shape)."""
        import torch

        dense = rows.toarray() if issparse(rows) else rows
        return torch.as_tensor(np.ascontiguousarray(dense)).to(like)


class TrunkNetwork(SharedTrunk):
    """Hard parameter sharing on a trunk: a linear head a member."""

    speed: ClassVar[float] = 1e10  # operations a second; rough, for measured seconds set the scale
    settings: TrunkSettings

    @property
    def trained(self) -> type[Trained]:  # type: ignore[override]
        from cotrain.training.network._torch_module import TrainedModule

        return TrainedModule.on(self.settings)

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> Trained:
        from cotrain.training.network._torch_module import train_module

        return train_module(table, fit, self.settings, stop)

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """The seconds that each fit takes on one core, about, (n_fits,).

        Raises
        ------
        FitError
            If no trunk can be made for such examples.
        """
        settings, rows = self.settings, count_rows(table, fits)
        steps = rows / np.maximum(settings.min_batch_size, settings.batch_fraction * rows)
        per_step = _STEP * settings.epochs * np.ceil(steps)
        return np.asarray(0.1 + per_step + self.operations(table, fits) / self.speed)

    def operations(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """Floating-point operations of training each fit, (n_fits,): three passes a row."""
        from cotrain.training.network._torch_module import pass_operations

        each = pass_operations(self.settings, table)
        return np.asarray(3.0 * each * self.settings.epochs * count_rows(table, fits))


@contextmanager
def told(settings: TrunkSettings) -> Iterator[None]:
    """Whatever the trunk's code raises, in one line."""
    try:
        yield
    except (CotrainError, MemoryError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise FitError(f"trunk `{settings.trunk_name}`: {reason}") from error


class ModuleSettings(TrunkSettings):
    """Trained as the network is, but for the trunk.

    `trunk` is `package.module:factory`: called with (shape of an example's features, seed), it
    returns a `torch.nn.Module` that maps float tensors (n, *shape) to (n, n_units).
    """

    kind: Literal["module"] = "module"
    trunk: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")]

    @property
    def trunk_name(self) -> str:
        return self.trunk

    def make(self, shape: tuple[int, ...], seed: int) -> Any:
        return find_factory(self.trunk)(shape, seed)


class ModuleNetwork(TrunkNetwork):
    """Hard parameter sharing on the user's own trunk: a linear head a member."""

    Settings: ClassVar[Any] = ModuleSettings
    settings: ModuleSettings

    def __init__(self, settings: ModuleSettings) -> None:
        super().__init__(settings)
        self.factory = find_factory(settings.trunk)

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process finds the factory, and the class of the models, anew; it may have been
        # started before the study's folder was known.
        return _where_it_was_made, (type(self), self.settings, tuple(sys.path))

    def identity(self) -> dict[str, Any]:
        """All settings but the device, which changes digits only, and the trunk's source file."""
        file = inspect.getsourcefile(inspect.unwrap(self.factory))
        code = md5(Path(file).read_bytes()).hexdigest() if file else None
        return super().identity() | {"code": code}


def _where_it_was_made(
    kind: type[ModuleNetwork], settings: ModuleSettings, path: Sequence[str]
) -> ModuleNetwork:
    sys.path += [folder for folder in path if folder not in sys.path]
    return kind(settings)


def find_factory(path: str) -> Callable[[tuple[int, ...], int], Any]:
    """What a dotted path names; modules of the folder that one is in are found too.

    ValueError if it cannot be imported, or cannot be called.
    """
    module, _, name = path.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        factory = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever the user's module raises
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ValueError(f"trunk `{path}` cannot be imported ({reason})") from error
    if not callable(factory):
        got = type(factory).__name__
        raise ValueError(f"trunk `{path}` must be a function or class, got {got}")
    return factory
