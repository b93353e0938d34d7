"""A module as the trunk: trained, saved as arrays, and loaded on the trunk that settings name."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from cotrain.allocation import Fit
from cotrain.exceptions import DataError, FitError
from cotrain.files import whole_file
from cotrain.tasks import Features, TaskTable
from cotrain.training._arrays import load_arrays, save_arrays
from cotrain.training._learner import Trained
from cotrain.training._problem import Problem
from cotrain.training.network._blueprint import Blueprint
from cotrain.training.network._torch import Training
from cotrain.training.network._torch_trunks import Rows, empty_on
from cotrain.training.network._trunk import TrunkSettings

_FILES = ("module.safetensors", "module.json")
_MEMBERS = ("tasks", "is_binary", "shift", "scale", "head_weight", "head_bias")
_CHUNK = 1024
# Modules draw initial weights and dropout from the one generator that all threads share.
_generator = threading.RLock()


class ModuleTrunk:
    """A module as the trunk of one fit."""

    def __init__(
        self, table: TaskTable, blueprint: Blueprint, seed: int, like: torch.Tensor
    ) -> None:
        self.table, self.blueprint, self.seed, self.like = table, blueprint, seed, like
        self.inputs = table.inputs(blueprint.reads)
        self.shape = tuple(self.inputs.shape[1:])
        self.module, self.n_units = make_module(blueprint, self.shape, seed)
        self.module.to(like)
        self.parameters = {
            name: parameter.detach()[None]
            for name, parameter in self.module.named_parameters()
            if parameter.requires_grad
        }
        self.buffers = dict(self.module.named_buffers())

    def forward(self, parameters: dict[str, torch.Tensor], rows: Rows) -> torch.Tensor:
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
        with _seeded(self.seed, *place), _told(self.blueprint):
            batch = self.blueprint.batch(self.inputs[examples], self.like)
            hidden: torch.Tensor = functional_call(self.module, held, batch)
        return hidden[None]


@dataclass(frozen=True, eq=False)
class TrainedModule(Trained):
    """A trained module and linear heads."""

    blueprint: ClassVar[Blueprint]

    module: nn.Module  # maps what its blueprint makes of n rows to (n, n_units)
    shape: tuple[int, ...]  # the shape of an example: () of a molecule
    # of each member, (n_members,)
    tasks: np.ndarray
    is_binary: np.ndarray
    # (n_members,) of float64: a real-valued member's prediction is its head's output times `scale`
    # plus `shift`
    shift: np.ndarray
    scale: np.ndarray
    head_weight: np.ndarray  # (n_units, n_members) of float32
    head_bias: np.ndarray  # (n_members,) of float32

    @classmethod
    def on(cls, blueprint: Blueprint) -> type[Self]:
        """The class of models whose trunk this makes."""
        return type(cls.__name__, (cls,), {"blueprint": blueprint, "reads": blueprint.reads})

    def outputs(self, features: Features) -> np.ndarray:
        """Logits of binary members, values of real-valued ones, (n_rows, n_members)."""
        like = next(iter(self.module.parameters()), torch.empty(0)).detach()
        self.module.eval()
        parts = [np.empty((0, self.head_weight.shape[0]), dtype=np.float32)]
        with torch.no_grad(), _told(self.blueprint):
            for at in range(0, features.shape[0], _CHUNK):
                hidden = self.module(self.blueprint.batch(features[at : at + _CHUNK], like))
                parts.append(hidden.cpu().numpy())
        output = np.concatenate(parts) @ self.head_weight + self.head_bias
        return np.asarray(output * self.scale + self.shift)

    @property
    def n_parameters(self) -> int:
        """Those of the module, and of the heads."""
        trunk = sum(p.numel() for p in self.module.parameters())
        return trunk + self.head_weight.size + self.head_bias.size

    def save(self, folder: Path) -> None:
        """Write `module.safetensors` and `module.json`."""
        arrays = {f"trunk/{k}": v.cpu().numpy() for k, v in self.module.state_dict().items()}
        save_arrays(folder / _FILES[0], arrays | {name: getattr(self, name) for name in _MEMBERS})
        with whole_file(folder / _FILES[1]) as part:
            part.write_text(json.dumps({"trunk": self.blueprint.name, "shape": self.shape}) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        DataError
            If a file is missing, or holds no model of this trunk.
        """
        arrays = load_arrays(folder / _FILES[0])
        try:
            about = json.loads((folder / _FILES[1]).read_text())
            if about["trunk"] != (wanted := cls.blueprint.name):
                raise ValueError(f"its trunk is {about['trunk']}, and the settings' is {wanted}")
            shape = tuple(int(size) for size in about["shape"])
            module, _ = make_module(cls.blueprint, shape, 0)
            trunk = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith("trunk/")}
            module.load_state_dict({k: torch.as_tensor(v) for k, v in trunk.items()})
            return cls(module, shape, **{name: arrays[name] for name in _MEMBERS})
        except (OSError, KeyError, TypeError, ValueError, RuntimeError, FitError) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"{folder}: is no such model ({reason}); export it again") from error


def train_module(
    table: TaskTable, fit: Fit, settings: TrunkSettings, stop: np.ndarray
) -> TrainedModule:
    """The trunk and heads of one fit.

    Raises
    ------
    FitError
        If the fit cannot be trained, or no trunk can be made.
    """
    torch.set_num_threads(1)
    problem = Problem.of(table, fit, settings.balance)
    like = empty_on(settings.device)
    trunk = ModuleTrunk(table, settings.blueprint(), fit.seed, like)
    training = Training([problem], [fit.seed], settings, trunk, like)
    with _told(trunk.blueprint):
        training.run(stop)
    if training.failed[0] is not None:
        raise FitError(training.failed[0])
    return trained_module(training)


def trained_module(training: Training) -> TrainedModule:
    """The model of one fit that has been trained on a module."""
    trunk, problem, heads = training.trunk, training.problems[0], training.heads(0)
    assert isinstance(trunk, ModuleTrunk)
    with torch.no_grad():
        for name, parameter in trunk.module.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(training.parameters[name][0])
    return TrainedModule.on(trunk.blueprint)(
        trunk.module, trunk.shape, problem.members, problem.is_binary,
        problem.shift, problem.scale, heads.weight, heads.bias,
    )  # fmt: skip


def make_module(blueprint: Blueprint, shape: tuple[int, ...], seed: int) -> tuple[nn.Module, int]:
    """The blueprint's module, and how many units it has.

    Raises
    ------
    FitError
        If it is none, or does not map (n, *shape) to (n, n_units).
    """
    with _seeded(seed, 0), _told(blueprint):
        module = blueprint.make(shape, seed)
        if not isinstance(module, nn.Module):
            raise TypeError(f"must return a torch.nn.Module, got {type(module).__name__}")
        module.eval()
        with torch.no_grad():
            found = module(blueprint.batch(blueprint.example(shape), torch.empty(0))).shape
        if len(found) != 2 or found[0] != 2:
            raise TypeError(f"must map {(2, *shape)} to (2, n_units), got {tuple(found)}")
    return module, int(found[1])


def pass_operations(blueprint: Blueprint, table: TaskTable) -> float:
    """Operations of a forward pass of the trunk over one row.

    Raises
    ------
    FitError
        If no trunk can be made for such examples.
    """
    shape = tuple(table.inputs(blueprint.reads).shape[1:])
    module, _ = make_module(blueprint, shape, 0)
    batch = blueprint.batch(blueprint.example(shape), torch.empty(0))
    with FlopCounterMode(display=False) as counter, torch.no_grad(), _told(blueprint):
        module(batch)
    return counter.get_total_flops() / 2


@contextmanager
def _seeded(*seed: int) -> Iterator[None]:
    """PyTorch's own randomness from a seed, and afterwards as it was."""
    number = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)
    with _generator, torch.random.fork_rng():
        torch.manual_seed(number)
        yield


@contextmanager
def _told(blueprint: Blueprint) -> Iterator[None]:
    """Whatever the trunk's code raises, in one line."""
    try:
        yield
    except (FitError, MemoryError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise FitError(f"trunk `{blueprint.name}`: {reason}") from error
