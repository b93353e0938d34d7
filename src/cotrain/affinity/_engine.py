from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from cotrain.affinity._aggregators import named_aggregator
from cotrain.affinity._itmtl import ITMTL
from cotrain.affinity._recorder import check_choice
from cotrain.affinity._uncertainty import UncertaintyWeighting
from cotrain.affinity._watch import BatchView, WatchedFit
from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.settings import Combination, ModelSettings
from cotrain.tasks import TaskTable
from cotrain.training import FitFailure, Outcome, Weights
from cotrain.training._schedule import learning_rate
from cotrain.training._torch_trunks import Rows

_OF_ITMTL = ("mean", "pcgrad", "leave_one_out")


@dataclass(frozen=True)
class CombinationEngine:
    """Trains fits one after the other on a CPU, combining the tasks' gradients in a chosen way.

    The loss of a task is its share of the engines' loss, so that `sum` trains the fits that they
    do (up to rounding). The others scale alike: the combination, times the number of tasks with
    labels in the batch, takes the place of the sum.

    Attributes
    ----------
    combination : str
        `itmtl`: `ITMTL` with its default candidates. `uncertainty`: `UncertaintyWeighting`. Or
        `sum`, or the lower-case name of an aggregator of `torchjd`.
    fits_at_once : int
        Fits in one call of `train`.

    Raises
    ------
    ValueError
        If there is no such combination, or its packages are not installed.
    """

    combination: Combination
    fits_at_once: int = 1

    def __post_init__(self) -> None:
        check_choice("combination", self.combination, get_args(Combination))
        if self.combination not in ("sum", "itmtl", "uncertainty"):
            named_aggregator(self.combination)

    def train(self, table: TaskTable, fits: Sequence[Fit], model: ModelSettings) -> list[Outcome]:
        """The outcome of each fit, in order. A fit that fails does not stop the others."""
        return [self._outcome(table, fit, model) for fit in fits]

    def train_weights(self, table: TaskTable, fit: Fit, model: ModelSettings) -> Weights:
        """The trained network of a fit.

        Raises
        ------
        FitError
            If the fit cannot be trained.
        """
        training = self._training(table, fit, model)
        training.train()
        return training.weights(0)

    def _outcome(self, table: TaskTable, fit: Fit, model: ModelSettings) -> Outcome:
        try:
            training = self._training(table, fit, model)
            training.train()
        except FitError as error:
            return FitFailure(str(error))
        return training.outcome(0)

    def _training(self, table: TaskTable, fit: Fit, model: ModelSettings) -> WatchedFit:
        if len(fit.members) == 1:
            # One task alone has nothing to combine.
            return WatchedFit.of(table, fit, model)
        combined = CombinedFit.of(table, fit, model)
        combined.combine(self.combination)
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

    def _step(self, batches: list[np.ndarray], epoch: int) -> np.ndarray:
        view = BatchView(self, batches[0], epoch)
        rate = learning_rate(self.model, epoch)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        losses = self._backward(view)
        # The engines add up the tasks' shares of the loss; what was combined is a mean.
        n_labelled = int((~losses.isnan()).sum())
        with torch.no_grad():
            self.n_steps += 1
            for name, parameter in self._module.items():
                assert parameter.grad is not None
                self._adam(name, n_labelled * parameter.grad, rate)
        return np.array([losses.nansum().item() * batches[0].size])

    def _weighted_backward(self, view: BatchView) -> Tensor:
        for group in self._weighting_optimizer.param_groups:
            group["lr"] = view.learning_rate
        self._optimizer.zero_grad()
        self._weighting_optimizer.zero_grad()
        losses = self._task_losses(view)
        self._weighting(losses).backward()
        self._weighting_optimizer.step()
        return losses.detach()

    def _task_losses(self, view: BatchView) -> Tensor:
        """Each member's share of the batch's loss, (K,); NaN without labels."""
        label, row = view.labels()
        member, target, weight, is_binary = (
            part[torch.from_numpy(label)] for part in self.targets[0]
        )
        rows = Rows([view.examples], view.examples.size, view.epoch)
        output = self._every_output(dict(self._module.items()), rows)[0, row, member]
        cross_entropy = binary_cross_entropy_with_logits(
            output, target.clamp(0, 1), reduction="none"
        )
        loss = weight * torch.where(is_binary, cross_entropy, (output - target) ** 2)
        n_members = self.problem.members.size
        sums = loss.new_zeros(n_members).index_add(0, member, loss) / view.examples.size
        return torch.where(torch.bincount(member, minlength=n_members) > 0, sums, torch.nan)
