"""The network as a learner; what it needs of Numba or PyTorch is imported when it trains."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from cotrain.allocation import Fit
from cotrain.tasks import TaskTable
from cotrain.training._learner import NEVER, Capabilities, Learner, Suggests
from cotrain.training._result import Outcome
from cotrain.training.network._cost import count_operations, estimate_seconds
from cotrain.training.network._settings import NetworkSettings, RecipeSettings
from cotrain.training.network._weights import TrainedNetwork


class SharedTrunk(Learner):
    """Hard parameter sharing: members share a trunk, each has a linear head."""

    capabilities = Capabilities(multi_task=True)
    settings: RecipeSettings

    @property
    def stops_early(self) -> bool:  # type: ignore[override]
        return self.settings.patience > 0

    def identity(self) -> dict[str, Any]:
        """All settings but the device, which changes digits only."""
        return self.settings.identity()

    def changed(self, trial: Suggests, table: TaskTable, values: dict[str, Any]) -> Any:
        """The settings with some values that a trial suggested, and a loss if values are real."""
        if "real" in table.kinds:
            losses = ("squared", "huber", "absolute")
            values["loss"] = trial.suggest_categorical("loss", losses)
        return type(self.settings).model_validate(self.settings.model_dump() | values)


class Network(SharedTrunk):
    """Hard parameter sharing: members share the hidden layers, each has a linear head."""

    Settings: ClassVar[Any] = NetworkSettings
    trained = TrainedNetwork
    settings: NetworkSettings

    @property
    def fits_at_once(self) -> int:  # type: ignore[override]
        """How many fits a call of `evaluate` best gets: PyTorch trains them side by side."""
        return int(self._engine().fits_at_once)

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> TrainedNetwork:
        return self._engine().train_weights(table, fit, self.settings, stop)

    def evaluate(
        self, table: TaskTable, fits: Sequence[Fit], stop: np.ndarray = NEVER
    ) -> list[Outcome]:
        return self._engine().train(table, fits, self.settings, stop)

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        return estimate_seconds(table, fits, self.settings)

    def operations(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        return count_operations(table, fits, self.settings)

    def checkpoints(self) -> dict[str, Learner]:
        """The network after each quarter of its epochs.

        A fit of fewer epochs is what a longer one was on its way: seeds, orders, masks and rates
        follow from the epoch alone.
        """
        epochs = self.settings.epochs
        stops = dict.fromkeys(max(1, round(epochs * part / 4)) for part in (1, 2, 3, 4))
        return {
            f"epoch {stop}": type(self)(
                self.settings.model_copy(update={"epochs": stop, "patience": 0})
            )
            for stop in stops
        }

    def suggest(self, trial: Suggests, table: TaskTable) -> NetworkSettings:
        width = trial.suggest_int("hidden", 128, 2048, log=True)
        epochs = trial.suggest_int("epochs", 4, 40, log=True)
        changed = {
            "hidden": [32 * round(width / 32)],
            "dropout": trial.suggest_float("dropout", 0.0, 0.6),
            "learning_rate": trial.suggest_float("learning_rate", 3e-4, 5e-3, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 0.3, 30.0, log=True),
            "batch_fraction": trial.suggest_float("batch_fraction", 0.01, 0.1, log=True),
            "epochs": epochs,
            "decay_epochs": self.settings.decayed_within(epochs),
            "head_bias": "base_rate",
        }
        return self.changed(trial, table, changed)

    def _engine(self) -> Any:
        if self.settings.engine == "compiled":
            from cotrain.training.network._compiled import CompiledEngine

            return CompiledEngine()
        from cotrain.training.network._torch import TorchEngine

        return TorchEngine(device=self.settings.device)
