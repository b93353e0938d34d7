"""Learners on a trunk of PyTorch's; that is imported when they train."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from cotrain.allocation import Fit
from cotrain.settings import Count
from cotrain.tasks import TaskTable
from cotrain.training._learner import NEVER, Capabilities, Learner, Trained
from cotrain.training.network._blueprint import Blueprint
from cotrain.training.network._cost import count_rows
from cotrain.training.network._settings import Epochs, RecipeSettings

_STEP = 3e-3  # seconds of a step beside its operations, on one core of a 2023 server


class TrunkSettings(RecipeSettings):
    """Trained as the network is, but for the trunk."""

    epochs: Epochs = 20
    decay_epochs: list[Count] = Field([15])

    @abstractmethod
    def blueprint(self) -> Blueprint:
        """What makes the trunk."""


class TrunkNetwork(Learner):
    """Hard parameter sharing on a trunk: a linear head a member."""

    capabilities = Capabilities(multi_task=True, gradients=True)
    speed: ClassVar[float] = 1e10  # operations a second; rough, for measured seconds set the scale
    settings: TrunkSettings

    @property
    def trained(self) -> type[Trained]:  # type: ignore[override]
        """The class of its models, which load no other trunk than that of the settings."""
        from cotrain.training.network._torch_module import TrainedModule

        return TrainedModule.on(self.settings.blueprint())

    @property
    def stops_early(self) -> bool:
        """Whether epochs without gain on validation labels end training."""
        return self.settings.patience > 0

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> Trained:
        """The trunk and heads trained on the fit's allocation."""
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

        each = pass_operations(self.settings.blueprint(), table)
        return np.asarray(3.0 * each * self.settings.epochs * count_rows(table, fits))

    def identity(self) -> dict[str, Any]:
        """All settings but the device, which changes digits only."""
        return self.settings.identity()
