from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor
from torch.optim import Adam

from cotrain.allocation import Fit
from cotrain.gradients._aggregators import named_aggregator
from cotrain.gradients._fit_module import FitModule
from cotrain.gradients._itmtl import ITMTL
from cotrain.gradients._uncertainty import UncertaintyWeighting
from cotrain.settings import Section
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
    candidates, `uncertainty` is `UncertaintyWeighting`.

    Raises
    ------
    ValueError
        If the packages that the combination needs are not installed.
    """

    Settings: ClassVar[type[Section]] = CombinedSettings
    settings: CombinedSettings

    def __init__(self, settings: CombinedSettings) -> None:
        super().__init__(settings)
        _check(settings.combination)

    @property
    def fits_at_once(self) -> int:  # type: ignore[override]
        """One: steps are taken fit by fit."""
        return 1

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> TrainedNetwork:
        """The network trained on the fit's allocation."""
        return _train(table, fit, self.settings, stop).weights(0)

    def evaluate(
        self, table: TaskTable, fits: Sequence[Fit], stop: np.ndarray = NEVER
    ) -> list[Outcome]:
        """The outcome of each fit, in order. A fit that fails does not stop the others."""
        return [outcome_of(partial(self._outcome, table, fit, stop)) for fit in fits]

    def _outcome(self, table: TaskTable, fit: Fit, stop: np.ndarray) -> Outcome:
        return _train(table, fit, self.settings, stop).outcome(0)


class CombinedModule(ModuleNetwork):
    """The same on a trunk of one's own."""

    Settings: ClassVar[type[Section]] = CombinedModuleSettings
    settings: CombinedModuleSettings

    def __init__(self, settings: CombinedModuleSettings) -> None:
        super().__init__(settings)
        _check(settings.combination)

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> Trained:
        """The trunk and heads trained on the fit's allocation."""
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
    if len(fit.members) == 1:
        # One task alone has nothing to combine.
        watched = WatchedFit.of(table, fit, settings)
    else:
        watched = combined = CombinedFit.of(table, fit, settings)
        combined.combine(settings.combination)
    watched.train(stop=stop)
    return watched


class CombinedFit(WatchedFit):
    """One fit whose step follows a combination of the tasks' gradients."""

    def combine(self, combination: Combination) -> None:
        """Choose the combination, before training."""
        self._module = FitModule(self)
        self._backward: Callable[[BatchView], Tensor]
        if combination == "uncertainty":
            self._weighting = UncertaintyWeighting(self.problem.members.size)
            self._weighting_optimizer = Adam(self._weighting.parameters())
            self._backward = self._weighted_backward
        else:
            self._backward = self._itmtl(combination).backward

    def _itmtl(self, combination: Combination) -> ITMTL:
        alone = "mean" if combination == "sum" else combination
        # Rows of features are looked up by index, for which `vmap` has no rule: one by one.
        return ITMTL(
            self._module,
            self._module.task_losses,
            self._module.shared,
            self._module.optimizer,
            candidates=_OF_ITMTL if combination == "itmtl" else (alone,),
            seed=self.seeds[0],
            chunk_size=1,
        )

    def gradients(self, batch: BatchView) -> tuple[Tensor, dict[str, Tensor]]:
        self._module.step_like(batch)
        losses = self._backward(batch)
        # The engines add up the tasks' shares of the loss; what was combined is a mean.
        n_labelled = int((~losses.isnan()).sum())
        gradients = {
            name: n_labelled * gradient for name, gradient in self._module.gradients().items()
        }
        return losses.nansum()[None] * batch.examples.size, gradients

    def _weighted_backward(self, batch: BatchView) -> Tensor:
        for group in self._weighting_optimizer.param_groups:
            group["lr"] = batch.learning_rate
        self._module.optimizer.zero_grad()
        self._weighting_optimizer.zero_grad()
        losses = self._module.task_losses(batch)
        self._weighting(losses).backward()
        self._weighting_optimizer.step()
        return losses.detach()
