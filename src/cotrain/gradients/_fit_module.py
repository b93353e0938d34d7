"""A watched fit as a module, which lookaheads can evaluate at other parameters than its own."""

import torch
from torch import Tensor, nn

from cotrain.training.network.watching import BatchView, WatchedFit

_HEADS = ("head_weight", "head_bias")


class FitModule(nn.Module):
    """The parameters and buffers of one fit, whose memory they share: its optimiser changes them.

    `optimizer` holds the learning rate of lookaheads; it takes no steps.
    """

    def __init__(self, fit: WatchedFit) -> None:
        super().__init__()
        self._fitted, self._buffered = tuple(fit.parameters), tuple(fit.trunk.buffers)
        for name, value in fit.parameters.items():
            self.register_parameter(_key(name), nn.Parameter(value[0]))
        for name, value in fit.trunk.buffers.items():
            self.register_buffer(_key(name), value)
        self.optimizer = torch.optim.SGD(self.parameters(), lr=fit.model.learning_rate)

    @property
    def shared(self) -> list[nn.Parameter]:
        """The trunk's parameters."""
        return [value for name, value in self.named_parameters() if name not in _HEADS]

    def step_like(self, batch: BatchView) -> None:
        """Take over the learning rate that the batch is trained with."""
        for group in self.optimizer.param_groups:
            group["lr"] = batch.learning_rate

    def gradients(self) -> dict[str, Tensor]:
        """The parameters' gradients as the fit's are, by its names; zero where none is."""
        held = {name: getattr(self, _key(name)) for name in self._fitted}
        return {
            name: (torch.zeros_like(own) if own.grad is None else own.grad)[None]
            for name, own in held.items()
        }

    def task_losses(self, batch: BatchView) -> Tensor:
        """Each task's share of the batch's mean loss, (K,); NaN without labels."""
        return batch.task_losses(self._held())

    def mean_losses(self, batch: BatchView) -> Tensor:
        """The mean loss over each task's labels in the batch, (K,); NaN without labels."""
        counts = torch.from_numpy(batch.task_counts)
        return self.task_losses(batch) * (batch.examples.size / counts)

    def train_on_copies(self, batch: BatchView) -> None:
        """Take the gradients of a training step, and leave nothing of it."""
        held = {name: value.detach().clone() for name, value in self._held().items()}
        fitted = [held[name].requires_grad_() for name in self._fitted]
        torch.autograd.grad(batch.task_losses(held).nansum(), fitted, allow_unused=True)

    def _held(self) -> dict[str, Tensor]:
        """What is in place now, as the fit has it: in a lookahead not the fit's own."""
        fitted = {name: getattr(self, _key(name))[None] for name in self._fitted}
        return fitted | {name: getattr(self, _key(name)) for name in self._buffered}


def _key(name: str) -> str:
    """The name here: names of a module in a module hold points, which PyTorch refuses."""
    return name.replace(".", "/")
