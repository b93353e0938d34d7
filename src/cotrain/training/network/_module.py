"""A user's own PyTorch module as the trunk; PyTorch is imported when a learner is made."""

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from hashlib import md5
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from cotrain.allocation import Fit
from cotrain.settings import Section
from cotrain.tasks import TaskTable
from cotrain.training._learner import NEVER, Capabilities, Learner, Trained
from cotrain.training.network._cost import count_rows
from cotrain.training.network._settings import RecipeSettings

# Of one core of a 2023 server; rough, for measured seconds set the scale.
_SPEED = 1e10  # operations a second
_STEP = 3e-3  # seconds of a step beside them


class ModuleSettings(RecipeSettings):
    """Trained as the network is, but for the trunk.

    `trunk` is `package.module:factory`: called with (shape of an example's features, seed), it
    returns a `torch.nn.Module` that maps float tensors (n, *shape) to (n, n_units).
    """

    kind: Literal["module"] = "module"
    trunk: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")]
    epochs: int = 20
    decay_epochs: list[int] = Field([15])


class ModuleNetwork(Learner):
    """Hard parameter sharing on the user's own trunk: a linear head a member."""

    Settings: ClassVar[type[Section]] = ModuleSettings
    capabilities = Capabilities(multi_task=True, gradients=True)
    settings: ModuleSettings

    def __init__(self, settings: ModuleSettings) -> None:
        super().__init__(settings)
        self.factory = find_factory(settings.trunk)

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process finds the factory, and the class of the models, anew; it may have been
        # started before the study's folder was known.
        return _where_it_was_made, (type(self), self.settings, tuple(sys.path))

    @property
    def trained(self) -> type[Trained]:  # type: ignore[override]
        """The class of its models, which load no other trunk than that of the settings."""
        from cotrain.training.network._torch_module import TrainedModule

        return TrainedModule.on(self.settings.trunk, self.factory)

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> Trained:
        """The trunk and heads trained on the fit's allocation."""
        from cotrain.training.network._torch_module import train_module

        return train_module(table, fit, self.settings, self.factory, stop)

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """The seconds that each fit takes on one core, about, (n_fits,).

        Raises
        ------
        FitError
            If the factory makes no trunk for such features.
        """
        settings, rows = self.settings, count_rows(table, fits)
        steps = rows / np.maximum(settings.min_batch_size, settings.batch_fraction * rows)
        per_step = _STEP * settings.epochs * np.ceil(steps)
        return np.asarray(0.1 + per_step + self.operations(table, fits) / _SPEED)

    def operations(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """Floating-point operations of training each fit, (n_fits,): three passes a row."""
        from cotrain.training.network._torch_module import pass_operations

        shape = tuple(table.features.shape[1:])
        each = pass_operations(self.settings.trunk, self.factory, shape)
        return np.asarray(3.0 * each * self.settings.epochs * count_rows(table, fits))

    def identity(self) -> dict[str, Any]:
        """All settings but the device, which changes digits only, and the trunk's source file."""
        file = inspect.getsourcefile(inspect.unwrap(self.factory))
        code = md5(Path(file).read_bytes()).hexdigest() if file else None
        return self.settings.identity() | {"code": code}


def _where_it_was_made(
    kind: type[ModuleNetwork], settings: ModuleSettings, path: Sequence[str]
) -> ModuleNetwork:
    sys.path += [folder for folder in path if folder not in sys.path]
    return kind(settings)


def find_factory(path: str) -> Callable[[tuple[int, ...], int], Any]:
    """What a dotted path names; modules of the folder that one is in are found too.

    Raises
    ------
    ValueError
        If it cannot be imported, or cannot be called.
    """
    module, _, name = path.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        factory = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever the user's module raises
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ValueError(f"trunk `{path}` cannot be imported ({reason})") from error
    if not callable(factory):
        raise ValueError(
            f"trunk `{path}` must be a function or class, got {type(factory).__name__}"
        )
    return factory
