from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.gradients._aggregators import named_aggregator
from cotrain.gradients._itmtl import ITMTL
from cotrain.gradients._uncertainty import UncertaintyWeighting
from cotrain.settings import Section
from cotrain.tasks import TaskTable
from cotrain.training import NEVER, FitFailure, Outcome
from cotrain.training.network import Network, NetworkSettings, TrainedNetwork
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
        if settings.combination not in ("sum", "itmtl", "uncertainty"):
            named_aggregator(settings.combination)

    @property
    def fits_at_once(self) -> int:  # type: ignore[override]
        """One: steps are taken fit by fit."""
        return 1

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> TrainedNetwork:
        """The network trained on the fit's allocation."""
        training = self._training(table, fit)
        training.train(stop=stop)
        return training.weights(0)

    def evaluate(
        self, table: TaskTable, fits: Sequence[Fit], stop: np.ndarray = NEVER
    ) -> list[Outcome]:
        """The outcome of each fit, in order. A fit that fails does not stop the others."""
        return [self._outcome(table, fit, stop) for fit in fits]

    def _outcome(self, table: TaskTable, fit: Fit, stop: np.ndarray) -> Outcome:
        try:
            training = self._training(table, fit)
            training.train(stop=stop)
        except FitError as error:
            return FitFailure(str(error))
        return training.outcome(0)

    def _training(self, table: TaskTable, fit: Fit) -> WatchedFit:
        if len(fit.members) == 1:
            # One task alone has nothing to combine.
            return WatchedFit.of(table, fit, self.settings)
        combined = CombinedFit.of(table, fit, self.settings)
        combined.combine(self.settings.combination)
        return combined


class CombinedFit(WatchedFit):
    """One fit whose step follows a combination of the tasks' gradients."""

    def combine(self, combination: Combination) -> None:
        """Choose the combination, before training."""
        # The parameters share their memory with those of the fit, whose Adam changes them in place.
        self._module = nn.ParameterDict(
            {name: nn.Parameter(value) for name, value in self.parameters.items()}
        )
        self._optimizer = torch.optim.SGD(self._module.parameters(), lr=self.model.learning_rate)
        self._backward: Callable[[BatchView], Tensor]
        if combination == "uncertainty":
            self._weighting = UncertaintyWeighting(self.problem.members.size)
            self._weighting_optimizer = torch.optim.Adam(self._weighting.parameters())
            self._backward = self._weighted_backward
        else:
            self._backward = self._itmtl(combination).backward

    def _itmtl(self, combination: Combination) -> ITMTL:
        trunk = [value for name, value in self._module.items() if not name.startswith("head")]
        alone = "mean" if combination == "sum" else combination
        # Rows of features are looked up by index, for which `vmap` has no rule: one by one.
        return ITMTL(
            self._module,
            self._task_losses,
            trunk,
            self._optimizer,
            candidates=_OF_ITMTL if combination == "itmtl" else (alone,),
            seed=self.seeds[0],
            chunk_size=1,
        )

    def gradients(self, batch: BatchView) -> tuple[Tensor, dict[str, Tensor]]:
        for group in self._optimizer.param_groups:
            group["lr"] = batch.learning_rate
        losses = self._backward(batch)
        # The engines add up the tasks' shares of the loss; what was combined is a mean.
        n_labelled = int((~losses.isnan()).sum())
        gradients = {}
        for name, parameter in self._module.items():
            assert parameter.grad is not None
            gradients[name] = n_labelled * parameter.grad
        return losses.nansum()[None] * batch.examples.size, gradients

    def _weighted_backward(self, batch: BatchView) -> Tensor:
        for group in self._weighting_optimizer.param_groups:
            group["lr"] = batch.learning_rate
        self._optimizer.zero_grad()
        self._weighting_optimizer.zero_grad()
        losses = self._task_losses(batch)
        self._weighting(losses).backward()
        self._weighting_optimizer.step()
        return losses.detach()

    def _task_losses(self, batch: BatchView) -> Tensor:
        return batch.task_losses(dict(self._module.items()))
