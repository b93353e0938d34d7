"""Learners on a trunk of PyTorch's; that is imported when they train."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

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
        """The class of its models, which load no other trunk than that of the settings."""
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
