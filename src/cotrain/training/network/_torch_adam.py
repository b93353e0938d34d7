"""AdamW by PyTorch's own function."""

from collections.abc import Mapping, Sequence

import torch
from torch.optim.adamw import adamw

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """What `torch.optim.AdamW` does, to the bit, whose class first imports PyTorch's compiler.

    That takes longer than to train a small study.

    Parameters
    ----------
    groups : mapping of float to sequence of Tensor
        The parameters of each weight decay; those whose `grad` is None are left as they are.
    fused : bool
        Whether each step is one pass over the parameters.
    """

    def __init__(self, groups: Mapping[float, Sequence[torch.Tensor]], *, fused: bool) -> None:
        self._groups = groups
        self._fused = fused
        parts = [part for own in groups.values() for part in own]
        self._means = {part: torch.zeros_like(part) for part in parts}
        self._squares = {part: torch.zeros_like(part) for part in parts}
        self._counts = {
            part: torch.zeros((), device=part.device if fused else None) for part in parts
        }

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the parameters along their gradients."""
        for decay, parts in self._groups.items():
            moved = [(part, part.grad) for part in parts if part.grad is not None]
            adamw(
                [part for part, _ in moved],
                [gradient for _, gradient in moved],
                [self._means[part] for part, _ in moved],
                [self._squares[part] for part, _ in moved],
                [],
                [self._counts[part] for part, _ in moved],
                fused=self._fused,
                amsgrad=False,
                beta1=_BETA1,
                beta2=_BETA2,
                lr=learning_rate,
                weight_decay=decay,
                eps=_EPSILON,
                maximize=False,
            )
