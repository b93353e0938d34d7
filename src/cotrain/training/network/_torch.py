"""The torch engine: many fits as one batched computation, on any device. The reference."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.adamw import adamw

from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.tasks import TaskTable
from cotrain.training._learner import NEVER, check_stop
from cotrain.training._problem import Labels, Problem
from cotrain.training._result import FitFailure, Outcome
from cotrain.training.network._randomness import epoch_order
from cotrain.training.network._recipe import EarlyStop, check_loss, initial_heads, network_result
from cotrain.training.network._settings import NetworkSettings, RecipeSettings
from cotrain.training.network._torch_trunks import Rows, SparseTrunk, Trunk, empty_on
from cotrain.training.network._weights import Layer, TrainedNetwork

_CHUNK = 1024
_ADAM: Any = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False, "maximize": False}
# Where PyTorch has Adam in one pass over the parameters.
_FUSED_DEVICES = ("cpu", "cuda", "mps")


class Adam:
    """What `torch.optim.AdamW` does, to the bit, whose class first imports PyTorch's compiler.

    That takes longer than to train a small study. `groups` are the parameters of each weight decay;
    those whose `grad` is None are left as they are. `fused`: each step is one pass over them.
    """

    def __init__(self, groups: Mapping[float, Sequence[torch.Tensor]], *, fused: bool) -> None:
        self._groups, self._fused = groups, fused
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
            gradients = {part: part.grad for part in parts if part.grad is not None}
            means, squares, counts = (
                [kept[part] for part in gradients]
                for kept in (self._means, self._squares, self._counts)
            )
            own = _ADAM | {"lr": learning_rate, "weight_decay": decay, "fused": self._fused}
            adamw(list(gradients), list(gradients.values()), means, squares, [], counts, **own)


@dataclass(eq=False)
class Training:
    """Fits under way, sorted by falling number of rows."""

    problems: list[Problem]
    seeds: list[int]
    model: RecipeSettings
    trunk: Trunk
    like: torch.Tensor
    failed: list[str | None] = field(init=False)
    n_epochs: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.failed = [None] * len(self.problems)
        self.n_epochs = [self.model.epochs] * len(self.problems)
        self.targets = self._targets()
        # The fused kernel reads memory in order, which somebody's own parameters need not have.
        self.parameters = {
            name: value.detach().clone(memory_format=torch.contiguous_format)
            for name, value in self.trunk.parameters.items()
        } | self._heads()
        # Each fit's part of a parameter takes its own steps, for not all have equally many.
        self.parts = {name: value.unbind() for name, value in self.parameters.items()}
        decayed: dict[float, list[torch.Tensor]] = {}
        for name, parts in self.parts.items():
            for part, problem in zip(parts, self.problems, strict=True):
                decay = 0.0 if "bias" in name else self.model.decay(int(problem.n_labels.sum()))
                decayed.setdefault(decay, []).append(part)
        self.optimizer = Adam(decayed, fused=self.like.device.type in _FUSED_DEVICES)

    def run(self, stop: np.ndarray = NEVER) -> None:
        """Train all fits; those that fail say so in `failed`."""
        sizes = [self.model.batch_size(problem.train.rows.size) for problem in self.problems]
        watches: dict[int, EarlyStop] = {}
        for place, problem in enumerate(self.problems):
            with self._failing(place):
                outputs, state = partial(self.outputs, place), partial(self._state, place)
                watches[place] = EarlyStop(self.model, problem, outputs, state)
        going = dict(watches)
        for epoch in range(self.model.epochs):
            orders = [
                epoch_order(seed, epoch, problem.train.rows)
                for seed, problem in zip(self.seeds, self.problems, strict=True)
            ]
            losses = np.zeros(len(self.problems))
            for batches in _batches(orders, sizes):
                check_stop(stop)
                losses[: len(batches)] += self._step(batches, epoch)
            for place, watch in list(going.items()):
                with self._failing(place):
                    check_loss(losses[place], epoch)
                if self.failed[place] is not None or watch.is_over(epoch):
                    del going[place]
            if not going:
                break
        for place, watch in watches.items():
            self.n_epochs[place] = watch.restore(epoch + 1)

    def outcome(self, place: int) -> Outcome:
        """The scores of one fit, or why it has none."""
        reason = self.failed[place]
        if reason is not None:
            return FitFailure(reason)
        outputs = partial(self.outputs, place)
        return network_result(self.problems[place], outputs, self.n_epochs[place])

    def outputs(self, place: int, labels: Labels) -> np.ndarray:
        """The network's output for each label of one fit, (n_labels,)."""
        parts = [np.empty(0)]
        weights = {name: value[place : place + 1] for name, value in self.parameters.items()}
        with torch.no_grad():
            for at in range(0, labels.rows.size, _CHUNK):
                batch = np.arange(at, min(at + _CHUNK, labels.rows.size))
                rows = Rows([labels.rows[batch]], batch.size, None)
                every = self.every_output(weights, rows)[0].cpu().numpy()
                label, row = labels.within(batch)
                parts.append(every[row, labels.member[label]])
        return np.concatenate(parts)

    def weights(self, place: int) -> TrainedNetwork:
        """The network of one fit as plain arrays."""
        depths = sum(name.startswith("weight") for name in self.parameters)
        hidden = tuple(
            Layer(self._array(f"weight{depth}", place), self._array(f"bias{depth}", place)[0])
            for depth in range(depths)
        )
        facts = self.problems[place].facts
        return TrainedNetwork(hidden=hidden, heads=self.heads(place), **facts)

    def heads(self, place: int) -> Layer:
        """The heads of one fit as plain arrays."""
        n_members = self.problems[place].members.size
        weight, bias = (self._array(name, place) for name in ("head_weight", "head_bias"))
        return Layer(np.ascontiguousarray(weight[:, :n_members]), bias[0, :n_members])

    def _array(self, name: str, place: int) -> np.ndarray:
        return self.parameters[name][place].cpu().numpy()

    def _heads(self) -> dict[str, torch.Tensor]:
        n_members = max(problem.members.size for problem in self.problems)
        dtype = np.float64 if self.like.dtype == torch.float64 else np.float32
        base_rate = self.model.head_bias == "base_rate"
        weight = np.zeros((len(self.problems), self.trunk.n_units, n_members), dtype=dtype)
        bias = np.zeros((len(self.problems), 1, n_members), dtype=dtype)
        for place, (problem, seed) in enumerate(zip(self.problems, self.seeds, strict=True)):
            heads = initial_heads(problem, self.trunk.n_units, seed, dtype, base_rate)
            weight[place, :, : problem.members.size] = heads.weight
            bias[place, 0, : problem.members.size] = heads.bias
        return {
            "head_weight": torch.as_tensor(weight).to(self.like),
            "head_bias": torch.as_tensor(bias).to(self.like),
        }

    def _targets(self) -> tuple[torch.Tensor, ...]:
        """Members, targets, weights, kinds, sides of all fits' training labels, fit after fit."""
        self.first_label = np.cumsum([0, *(one.train.member.size for one in self.problems)])
        columns = [
            (train.member.astype(np.int64), problem.targets(train), train.weight,
             problem.is_binary[train.member], train.side)
            for problem in self.problems
            for train in [problem.train]
        ]  # fmt: skip
        whole = (torch.as_tensor(np.concatenate(parts)) for parts in zip(*columns, strict=True))
        members, targets, weights, kinds, sides = whole
        device, values = self.like.device, (targets.to(self.like), weights.to(self.like))
        return members.to(device), *values, kinds.to(device), sides.to(device)

    def every_output(self, weights: dict[str, torch.Tensor], rows: Rows) -> torch.Tensor:
        """All heads' outputs for the rows of each fit, (k, n, n_members)."""
        held = (*self.trunk.parameters, *self.trunk.buffers)
        trunk = {name: weights[name] for name in held if name in weights}
        hidden = self.trunk.forward(trunk, rows)
        return torch.baddbmm(weights["head_bias"], hidden, weights["head_weight"])

    def _step(self, batches: list[np.ndarray], epoch: int) -> np.ndarray:
        """One step of the first k fits; the sum of each one's losses, float64 (k,)."""
        losses, gradients = self.step_gradients(batches, epoch)
        for name, gradient in gradients.items():
            # A part without gradient is left as it is.
            for part, own in zip_longest(self.parts[name], gradient.contiguous().unbind()):
                part.grad = own
        self.optimizer.step(self.model.rate(epoch))
        return losses.detach().double().cpu().numpy()

    def step_gradients(
        self, batches: list[np.ndarray], epoch: int
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The sums of the losses of the first k fits, (k,), and the gradients of the means."""
        weights = {
            name: value[: len(batches)].detach().requires_grad_()
            for name, value in self.parameters.items()
        }
        losses = self._losses(weights, batches, epoch)
        n_rows = torch.tensor([batch.size for batch in batches]).to(self.like)
        gradients = torch.autograd.grad(
            (losses / n_rows).sum(),
            list(weights.values()),
            allow_unused=True,
            materialize_grads=True,
        )
        return losses, dict(zip(weights, gradients, strict=True))

    def _losses(
        self, weights: dict[str, torch.Tensor], batches: list[np.ndarray], epoch: int
    ) -> torch.Tensor:
        # Those still in an epoch are always the first fits.
        train = [problem.train for problem in self.problems[: len(batches)]]
        examples = [part.rows[batch] for part, batch in zip(train, batches, strict=True)]
        every = self.every_output(weights, Rows(examples, max(map(len, batches)), epoch))
        within = [part.within(batch) for part, batch in zip(train, batches, strict=True)]
        sizes = np.array([label.size for label, _ in within])
        places = np.repeat(np.arange(sizes.size), sizes)
        labels, row_of = (np.concatenate(part) for part in zip(*within, strict=True))
        # One lookup for the labels of all fits.
        index = np.stack([places, self.first_label[places] + labels, row_of])
        place, label, row = torch.as_tensor(index, device=self.like.device)
        target = tuple(part[label] for part in self.targets)
        losses = losses_of(every[place, row, target[0]], target, self.model.linear_from)
        lengths = torch.as_tensor(sizes, device=self.like.device)
        return torch.segment_reduce(losses, "sum", lengths=lengths)

    def _state(self, place: int) -> list[torch.Tensor]:
        own = [value[place] for value in self.parameters.values()]
        return [*own, *self.trunk.buffers.values()]

    @contextmanager
    def _failing(self, place: int) -> Iterator[None]:
        """What fails inside fails this fit alone."""
        try:
            yield
        except FitError as error:
            self.failed[place] = str(error)


def losses_of(
    output: torch.Tensor, target: tuple[torch.Tensor, ...], linear_from: float = math.inf
) -> torch.Tensor:
    """The weighted loss of each label, (n,).

    `target` holds members, targets, weights, kinds and sides (`Labels.side`). Errors of real-valued
    labels beyond `linear_from` count in proportion, not squared.
    """
    _, truth, weight, is_binary, side = target
    cross_entropy = binary_cross_entropy_with_logits(output, truth.clamp(0, 1), reduction="none")
    error = (output - truth) ** 2
    if math.isfinite(linear_from):
        size = (output - truth).abs()
        error = torch.where(size <= linear_from, error, linear_from * (2 * size - linear_from))
    error = torch.where(side * (output - truth) > 0, torch.zeros_like(error), error)
    return weight * torch.where(is_binary, cross_entropy, error)


def _batches(orders: list[np.ndarray], sizes: list[int]) -> list[list[np.ndarray]]:
    """The batches of each step; the fits that still have one are always the first."""
    pairs = list(zip(orders, sizes, strict=True))
    n_steps = max(-(-order.size // size) for order, size in pairs)
    return [
        [order[at * size : (at + 1) * size] for order, size in pairs if at * size < order.size]
        for at in range(n_steps)
    ]


@dataclass(frozen=True)
class TorchEngine:
    """Trains fits side by side with PyTorch's own operations and gradients."""

    device: str | None = None  # a PyTorch device; None: a GPU if there is one
    dtype: torch.dtype = torch.float32  # float32, or float64 for comparisons
    fits_at_once: int = 32  # fits in one batched computation
    n_threads: int = 1  # threads of PyTorch on a CPU: one, since workers are one a core

    def train(
        self,
        table: TaskTable,
        fits: Sequence[Fit],
        model: NetworkSettings,
        stop: np.ndarray = NEVER,
    ) -> list[Outcome]:
        """The outcome of each fit, in order. A fit that fails does not stop the others."""
        torch.set_num_threads(self.n_threads)
        problems: dict[int, Problem] = {}
        outcomes: dict[int, Outcome] = {}
        for place, fit in enumerate(fits):
            try:
                problems[place] = Problem.of(table, fit, model.balance, model.is_one_sided)
            except FitError as error:
                outcomes[place] = FitFailure(str(error))
        # Fits with the most steps first: those still in an epoch are then always the first k.
        order = sorted(problems, key=lambda place: -problems[place].train.rows.size)
        for at in range(0, len(order), self.fits_at_once):
            places = order[at : at + self.fits_at_once]
            group = [problems[place] for place in places]
            seeds = [fits[place].seed for place in places]
            try:
                training = self._training(table, group, seeds, model)
                training.run(stop)
                outcomes |= {place: training.outcome(own) for own, place in enumerate(places)}
            except FitError as error:
                outcomes |= dict.fromkeys(places, FitFailure(str(error)))
            except (MemoryError, torch.OutOfMemoryError):
                reason = "out of memory; train fewer fits at once, or a smaller model"
                outcomes |= dict.fromkeys(places, FitFailure(reason))
        return [outcomes[place] for place in range(len(fits))]

    def train_weights(
        self, table: TaskTable, fit: Fit, model: NetworkSettings, stop: np.ndarray = NEVER
    ) -> TrainedNetwork:
        """The trained network of a fit; FitError if it cannot be trained."""
        torch.set_num_threads(self.n_threads)
        problem = Problem.of(table, fit, model.balance, model.is_one_sided)
        training = self._training(table, [problem], [fit.seed], model)
        training.run(stop)
        if training.failed[0] is not None:
            raise FitError(training.failed[0])
        return training.weights(0)

    def _training(
        self, table: TaskTable, problems: list[Problem], seeds: list[int], model: NetworkSettings
    ) -> Training:
        like = empty_on(self.device, self.dtype)
        trunk = SparseTrunk(table, model.hidden, model.dropout, seeds, like)
        return Training(problems, seeds, model, trunk, like)
