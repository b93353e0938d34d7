from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Literal

import numpy as np
from torch import Tensor
from torch.optim import Adam

from cotrain.allocation import Fit
from cotrain.gradients._fit_module import FitModule
from cotrain.gradients._itmtl import ITMTL, named_aggregator
from cotrain.gradients._losses import UncertaintyWeighting
from cotrain.tasks import TaskTable
from cotrain.training import NEVER, Outcome, Trained
from cotrain.training._result import outcome_of
from cotrain.training.network import (
    ModuleNetwork,
    ModuleSettings,
    Network,
    NetworkSettings,
    TrainedNetwork,
)
from cotrain.training.network.watching import BatchView, WatchedFit

_OF_ITMTL = ("mean", "pcgrad", "leave_one_out")


# After `uncertainty`: the aggregators of torchjd that need neither settings nor memory, in lower
# case.
Combination = Literal[
    "sum", "itmtl", "uncertainty", "pcgrad", "mgda", "imtlg", "alignedmtl", "config", "graddrop",
    "random", "upgrad", "dualproj",
]  # fmt: skip


class CombinedSettings(NetworkSettings):
    """A network whose tasks' gradients become one in a chosen way."""

    kind: Literal["combined"] = "combined"  # type: ignore[assignment]
    engine: Literal["torch"] = "torch"
    combination: Combination


class CombinedModuleSettings(ModuleSettings):
    """The same on a trunk of one's own."""

    kind: Literal["combined_module"] = "combined_module"  # type: ignore[assignment]
    combination: Combination


class CombinedNetwork(Network):
    """Trains fits one after the other on a CPU, combining the tasks' gradients in a chosen way.

    The loss of a task is its share of the network's loss, so that `sum` trains the fits that
    `Network` does (up to rounding). The others scale alike: the combination, times the number of
    tasks with labels in the batch, takes the place of the sum. `itmtl` is `ITMTL` with its default
    candidates, `uncertainty` is `UncertaintyWeighting`. ValueError if the packages that the
    combination needs are not installed.
    """

    Settings = CombinedSettings
    settings: CombinedSettings

    def __init__(self, settings: CombinedSettings) -> None:
        super().__init__(settings)
        _check(settings.combination)

    fits_at_once = 1

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> TrainedNetwork:
        return _train(table, fit, self.settings, stop).weights(0)

    def evaluate(
        self, table: TaskTable, fits: Sequence[Fit], stop: np.ndarray = NEVER
    ) -> list[Outcome]:
        return [outcome_of(partial(self._outcome, table, fit, stop)) for fit in fits]

    def _outcome(self, table: TaskTable, fit: Fit, stop: np.ndarray) -> Outcome:
        return _train(table, fit, self.settings, stop).outcome(0)


class CombinedModule(ModuleNetwork):
    """The same on a trunk of one's own."""

    Settings = CombinedModuleSettings
    settings: CombinedModuleSettings

    def __init__(self, settings: CombinedModuleSettings) -> None:
        super().__init__(settings)
        _check(settings.combination)

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> Trained:
        return _train(table, fit, self.settings, stop).module()


def _check(combination: Combination) -> None:
    if combination not in ("sum", "itmtl", "uncertainty"):
        named_aggregator(combination)


def _train(
    table: TaskTable,
    fit: Fit,
    settings: CombinedSettings | CombinedModuleSettings,
    stop: np.ndarray,
) -> WatchedFit:
    # One task alone has nothing to combine.
    kind = WatchedFit if len(fit.members) == 1 else CombinedFit
    watched = kind.of(table, fit, settings)
    watched.train(stop=stop)
    return watched


class CombinedFit(WatchedFit):
    """One fit whose step follows the combination of the tasks' gradients that its settings name."""

    @cached_property
    def _module(self) -> FitModule:
        return FitModule(self)

    @cached_property
    def _backward(self) -> Callable[[BatchView], Tensor]:
        """Sets the module's gradients for a batch, and returns the tasks' losses."""
        assert isinstance(self.model, CombinedSettings | CombinedModuleSettings)
        module, combination = self._module, self.model.combination
        if combination == "uncertainty":
            return _weighted_backward(module, self.problem.members.size)
        alone = "mean" if combination == "sum" else combination
        candidates = _OF_ITMTL if combination == "itmtl" else (alone,)
        # Rows of features are looked up by index, for which `vmap` has no rule: one by one.
        return ITMTL(
            module, module.task_losses, module.shared, module.optimizer,
            candidates=candidates, seed=self.seeds[0], chunk_size=1,
        ).backward  # fmt: skip

    def gradients(self, batch: BatchView) -> tuple[Tensor, dict[str, Tensor]]:
        self._module.step_like(batch)
        losses = self._backward(batch)
        # The engines add up the tasks' shares of the loss; what was combined is a mean.
        n_labelled = int((~losses.isnan()).sum())
        gradients = {name: n_labelled * own for name, own in self._module.gradients().items()}
        return losses.nansum()[None] * batch.examples.size, gradients


def _weighted_backward(module: FitModule, n_tasks: int) -> Callable[[BatchView], Tensor]:
    weighting = UncertaintyWeighting(n_tasks)
    optimizer = Adam(weighting.parameters())

    def backward(batch: BatchView) -> Tensor:
        for group in optimizer.param_groups:
            group["lr"] = batch.learning_rate
        module.optimizer.zero_grad()
        optimizer.zero_grad()
        losses = module.task_losses(batch)
        weighting(losses).backward()
        optimizer.step()
        return losses.detach()

    return backward
