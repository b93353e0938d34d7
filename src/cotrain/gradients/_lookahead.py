from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

# Weights held at once by the lookaheads of one chunk: 2^24 single-precision numbers are 64 MiB.
_CHUNK_WEIGHTS = 2**24


@dataclass(frozen=True, eq=False)
class TaskGradients:
    """What each task wants of the shared parameters on one batch."""

    losses: Tensor  # (K,): the loss of each task; NaN where the batch holds no label of the task
    # (K, P): row i is the gradient of task i's loss by the P shared numbers; zero without labels
    jacobian: Tensor
    # the gradient of the sum of the losses by each parameter that is not shared
    heads: dict[str, Tensor]

    @property
    def labelled(self) -> Tensor:
        """Which tasks have labels in the batch, bool (K,)."""
        return ~self.losses.isnan()


class _Losses(nn.Module):
    """A module around `losses`, for `functional_call` needs one to swap parameters in."""

    def __init__(self, model: nn.Module, losses: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.model = model
        self._losses = losses

    def forward(self, batch: Any) -> Tensor:
        return self._losses(batch)


class Lookahead:
    """Losses of all tasks on a batch: now, and after trial steps of the shared parameters.

    Nothing of the model changes: not its weights, gradients, buffers (BatchNorm statistics) or
    mode, nor torch's random streams. All evaluations of a batch draw the same random numbers, which
    are the ones that the training step after them draws; so dropout masks agree.

    Parameters
    ----------
    model : nn.Module
        Holds the shared and the per-task parameters, and whatever else `losses` uses.
    losses : callable
        `losses(batch)` returns the K losses of the tasks from the model's current parameters,
        Tensor (K,), with NaN for tasks without labels in the batch.
    shared : iterable of nn.Parameter
        The parameters that the tasks share; all other trainable ones count as heads.
    chunk_size : int, optional
        Lookaheads computed at once, by `torch.func.vmap`; by default as many as need 64 MiB of
        weights. 1 computes them one by one, without `vmap`, for models that it cannot handle.
    """

    def __init__(
        self,
        model: nn.Module,
        losses: Callable[[Any], Tensor],
        shared: Iterable[nn.Parameter],
        chunk_size: int | None = None,
    ) -> None:
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, got {chunk_size}")
        self._evaluation = _Losses(model, losses)
        trainable = {
            name: parameter
            for name, parameter in self._evaluation.named_parameters()
            if parameter.requires_grad
        }
        chosen = {id(parameter) for parameter in shared}
        self._shared = {name: p for name, p in trainable.items() if id(p) in chosen}
        self._heads = {name: p for name, p in trainable.items() if id(p) not in chosen}
        if not self._shared:
            raise ValueError(
                "shared must hold trainable parameters of the model, got none; without shared "
                "parameters one task cannot affect another"
            )
        if len(self._shared) < len(chosen):
            raise ValueError(
                f"shared must be trainable parameters of the model, got {len(chosen)} of which "
                f"{len(self._shared)} are"
            )
        self._sizes = [parameter.numel() for parameter in self._shared.values()]
        self.chunk_size = chunk_size or max(1, _CHUNK_WEIGHTS // self.n_shared)

    @property
    def n_shared(self) -> int:
        """P, the number of shared numbers."""
        return sum(self._sizes)

    @property
    def shared(self) -> list[nn.Parameter]:
        """The shared parameters in the order of the Jacobian's columns."""
        return list(self._shared.values())

    @property
    def is_matrix(self) -> Tensor:
        """Which columns of the Jacobian belong to weights rather than biases, bool (P,)."""
        flags = [torch.tensor(p.ndim > 1, device=p.device) for p in self._shared.values()]
        return torch.cat([f.expand(n) for f, n in zip(flags, self._sizes, strict=True)])

    def gradients(self, batch: Any) -> TaskGradients:
        """The losses of the tasks on `batch` and their gradients.

        Raises
        ------
        ValueError
            If `losses` does not return the losses of two tasks or more, returns NaN for all, or
            they do not depend on the model's parameters.
        """
        shared = {name: p.detach().requires_grad_() for name, p in self._shared.items()}
        heads = {name: p.detach().requires_grad_() for name, p in self._heads.items()}
        with torch.enable_grad(), _same_randomness(self.shared):
            losses = self._losses(batch, {**shared, **heads, **self._buffers()})
            _check_losses(losses)
            labelled = ~losses.detach().isnan()
            present = losses[labelled]
            jacobian = losses.new_zeros(len(losses), self.n_shared).detach()
            jacobian[labelled] = self._jacobian(present, list(shared.values()))
            by_head: tuple[Tensor, ...] = ()
            if heads:
                by_head = torch.autograd.grad(
                    present.sum(), list(heads.values()), materialize_grads=True
                )
        return TaskGradients(losses.detach(), jacobian, dict(zip(heads, by_head, strict=True)))

    def losses_after(
        self, batch: Any, steps: Tensor, head_steps: dict[str, Tensor] | None = None
    ) -> Tensor:
        """The losses after each of C steps of the shared parameters, Tensor (C, K).

        `steps`, (C, P), are added to the shared parameters, one lookahead each; `head_steps` to the
        others by their names, in all lookaheads alike.
        """
        heads = {name: p.detach() for name, p in self._heads.items()}
        if head_steps:
            heads = {name: p + head_steps[name] for name, p in heads.items()}
        chunks = steps.split(self.chunk_size)
        with torch.no_grad():
            return torch.cat([self._losses_after_chunk(batch, chunk, heads) for chunk in chunks])

    def set_gradients(self, direction: Tensor, heads: dict[str, Tensor]) -> None:
        """Make `direction` (P,) and `heads` the gradients that an optimiser's step will follow."""
        for parameter, part in zip(self.shared, direction.split(self._sizes), strict=True):
            parameter.grad = part.view(parameter.shape).clone()
        for name, gradient in heads.items():
            self._heads[name].grad = gradient

    def _losses_after_chunk(self, batch: Any, steps: Tensor, heads: dict[str, Tensor]) -> Tensor:
        def losses_after_one(step: Tensor, buffers: dict[str, Tensor]) -> Tensor:
            parts = zip(self._shared.items(), step.split(self._sizes), strict=True)
            moved = {name: p.detach() + part.view(p.shape) for (name, p), part in parts}
            return self._losses(batch, {**moved, **heads, **buffers})

        with _same_randomness(self.shared):
            if len(steps) == 1:
                return losses_after_one(steps[0], self._buffers())[None]
            # Each lookahead has buffers of its own, for BatchNorm writes into them.
            buffers = {
                name: buffer.expand(len(steps), *buffer.shape).clone()
                for name, buffer in self._evaluation.named_buffers()
            }
            return vmap(losses_after_one, randomness="same")(steps, buffers)

    def _losses(self, batch: Any, tensors: dict[str, Tensor]) -> Tensor:
        return functional_call(self._evaluation, tensors, (batch,))

    def _buffers(self) -> dict[str, Tensor]:
        return {name: buffer.clone() for name, buffer in self._evaluation.named_buffers()}

    def _jacobian(self, losses: Tensor, shared: list[Tensor]) -> Tensor:
        rows = []
        for seeds in torch.eye(len(losses)).to(losses).split(self.chunk_size):
            # A single row goes without `vmap`.
            is_batched = len(seeds) > 1
            parts = torch.autograd.grad(
                losses,
                shared,
                seeds if is_batched else seeds[0],
                is_grads_batched=is_batched,
                retain_graph=True,
                allow_unused=True,
            )
            if all(part is None for part in parts):
                raise ValueError(
                    "losses must depend on the shared parameters, but do not; compute them with "
                    "the model that is given, reading its parameters at each call"
                )
            n = len(seeds)
            flat = [
                p.new_zeros(n, p.numel()) if part is None else part.reshape(n, -1)
                for part, p in zip(parts, shared, strict=True)
            ]
            rows.append(torch.cat(flat, dim=1))
        return torch.cat(rows)


def _same_randomness(parameters: list[nn.Parameter]) -> AbstractContextManager[None]:
    """Leave torch's random streams as they were found."""
    return torch.random.fork_rng(devices=list({p.device for p in parameters if p.is_cuda}))


def _check_losses(losses: Tensor) -> None:
    if not isinstance(losses, Tensor) or losses.ndim != 1 or len(losses) < 2:
        got = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        raise ValueError(
            f"losses must return a tensor with one loss a task, (K,) with K at least 2, got {got}; "
            "one task alone has no affinity to measure"
        )
    if losses.isnan().all():
        raise ValueError(
            "losses must be a number for at least one task, got NaN for all; the batch holds no "
            "label, or training has diverged"
        )
    if not losses.requires_grad:
        raise ValueError(
            "losses must depend on the model's trainable parameters, but have no gradient; compute "
            "them from the same model that is given, outside torch.no_grad"
        )
