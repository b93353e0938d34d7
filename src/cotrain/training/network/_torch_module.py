"""A module as the trunk: trained, saved as arrays, and loaded on the trunk that settings name."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.tasks import Features, TaskTable
from cotrain.training._arrays import put_under, taken_from
from cotrain.training._learner import Trained
from cotrain.training._problem import Problem
from cotrain.training.network._torch import Training
from cotrain.training.network._torch_trunks import Rows, empty_on
from cotrain.training.network._trunk import TrunkSettings, told
from cotrain.training.network._weights import Layer

_CHUNK = 1024
# Modules draw initial weights and dropout from the one generator that all threads share.
_generator = threading.RLock()


class ModuleTrunk:
    """A module as the trunk of one fit; see `Trunk`."""

    def __init__(self, table: TaskTable, settings: TrunkSettings, seed: int, like: Tensor) -> None:
        self.table, self.settings, self.seed, self.like = table, settings, seed, like
        self._inputs = table.inputs(settings.reads)
        self.shape = tuple(self._inputs.shape[1:])
        self.module, self.n_units = make_module(settings, self.shape, seed)
        self.module.to(like)
        self.parameters = {
            name: parameter.detach()[None]
            for name, parameter in self.module.named_parameters()
            if parameter.requires_grad
        }
        self.buffers = dict(self.module.named_buffers())

    def forward(self, parameters: dict[str, Tensor], rows: Rows) -> Tensor:
        """The representation of each row, (1, n, n_units).

        Dropout follows from the epoch and the first row, so that each look at a batch sees the
        same.
        """
        examples = rows.examples[0]
        # Normalisation over a batch refuses a single row, such as an epoch may leave for the last.
        self.module.train(rows.epoch is not None and examples.size > 1)
        held = self.buffers | {
            name: value[0] if name in self.parameters else value
            for name, value in parameters.items()
        }
        place = (0,) if rows.epoch is None else (1 + rows.epoch, int(examples[0]))
        with _seeded(self.seed, *place), told(self.settings):
            batch = self.settings.batch(self._inputs[examples], self.like)
            hidden: Tensor = functional_call(self.module, held, batch)
        return hidden[None]


@dataclass(frozen=True, eq=False)
class TrainedModule(Trained):
    """A trained module and linear heads."""

    file = "module.safetensors"
    settings: ClassVar[TrunkSettings]

    module: nn.Module  # maps what its settings make of n rows to (n, n_units)
    shape: tuple[int, ...]  # the shape of an example: () of a molecule
    heads: Layer  # linear, one unit a member

    @classmethod
    def on(cls, settings: TrunkSettings) -> type[Self]:
        """The class of models whose trunk these settings make."""
        return type(cls.__name__, (cls,), {"settings": settings, "reads": settings.reads})

    def outputs(self, features: Features) -> np.ndarray:
        like = next(iter(self.module.parameters()), torch.empty(0)).detach()
        self.module.eval()
        parts = [np.empty((0, self.heads.weight.shape[0]), dtype=np.float32)]
        with torch.no_grad(), told(self.settings):
            for at in range(0, features.shape[0], _CHUNK):
                hidden = self.module(self.settings.batch(features[at : at + _CHUNK], like))
                parts.append(hidden.cpu().numpy())
        output = np.concatenate(parts) @ self.heads.weight + self.heads.bias
        return np.asarray(output * self.scale + self.shift)

    def arrays(self) -> dict[str, np.ndarray]:
        state = {name: value.cpu().numpy() for name, value in self.module.state_dict().items()}
        return (
            self.facts()
            | put_under("trunk", state)
            | {
                "head_weight": self.heads.weight,
                "head_bias": self.heads.bias,
                "shape": np.array(self.shape, dtype=np.int64),
                "name": np.frombuffer(self.settings.trunk_name.encode(), dtype=np.uint8),
            }
        )

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        name, wanted = arrays["name"].tobytes().decode(), cls.settings.trunk_name
        if name != wanted:
            raise ValueError(f"its trunk is {name}, and the settings' is {wanted}")
        shape = tuple(arrays["shape"].tolist())
        try:
            module, _ = make_module(cls.settings, shape, 0)
            trunk = taken_from("trunk", arrays)
            module.load_state_dict({key: torch.as_tensor(part) for key, part in trunk.items()})
        except (TypeError, RuntimeError, FitError) as error:
            raise ValueError(str(error).partition("\n")[0]) from error
        heads = Layer(arrays["head_weight"], arrays["head_bias"])
        return cls(module=module, shape=shape, heads=heads, **cls.facts_in(arrays))


def train_module(
    table: TaskTable, fit: Fit, settings: TrunkSettings, stop: np.ndarray
) -> TrainedModule:
    """The trunk and heads of one fit; FitError if it cannot be trained, or no trunk be made."""
    torch.set_num_threads(1)
    problem = Problem.of(table, fit, settings.balance, settings.is_one_sided)
    like = empty_on(settings.device)
    trunk = ModuleTrunk(table, settings, fit.seed, like)
    training = Training([problem], [fit.seed], settings, trunk, like)
    with told(settings):
        training.run(stop)
    if training.failed[0] is not None:
        raise FitError(training.failed[0])
    return trained_module(training)


def trained_module(training: Training) -> TrainedModule:
    """The model of one fit that has been trained on a module."""
    trunk = training.trunk
    assert isinstance(trunk, ModuleTrunk)
    with torch.no_grad():
        for name, parameter in trunk.module.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(training.parameters[name][0])
    return TrainedModule.on(trunk.settings)(
        module=trunk.module,
        shape=trunk.shape,
        heads=training.heads(0),
        **training.problems[0].facts,
    )


def make_module(
    settings: TrunkSettings, shape: tuple[int, ...], seed: int
) -> tuple[nn.Module, int]:
    """The trunk that settings describe, and how many units it has.

    FitError if it is none, or does not map (n, *shape) to (n, n_units).
    """
    with _seeded(seed, 0), told(settings):
        module = settings.make(shape, seed)
        if not isinstance(module, nn.Module):
            raise TypeError(f"must return a torch.nn.Module, got {type(module).__name__}")
        module.eval()
        with torch.no_grad():
            found = module(settings.batch(settings.example(shape), torch.empty(0))).shape
        if len(found) != 2 or found[0] != 2:
            raise TypeError(f"must map {(2, *shape)} to (2, n_units), got {tuple(found)}")
    return module, int(found[1])


def pass_operations(settings: TrunkSettings, table: TaskTable) -> float:
    """Operations of a forward pass of the trunk over one row; FitError if none can be made."""
    shape = tuple(table.inputs(settings.reads).shape[1:])
    module, _ = make_module(settings, shape, 0)
    batch = settings.batch(settings.example(shape), torch.empty(0))
    with FlopCounterMode(display=False) as counter, torch.no_grad(), told(settings):
        module(batch)
    return counter.get_total_flops() / 2


@contextmanager
def _seeded(*seed: int) -> Iterator[None]:
    """PyTorch's own randomness from a seed, and afterwards as it was."""
    number = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)
    with _generator, torch.random.fork_rng():
        torch.manual_seed(number)
        yield
