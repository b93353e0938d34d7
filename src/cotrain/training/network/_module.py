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
from cotrain.training.network._settings import RecipeSettings


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
        # A worker process finds the factory, and the class of the models, anew.
        return type(self), (self.settings,)

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
        """Seconds by the number of labels, (n_fits,): nothing is known of the trunk."""
        n = np.array([fit.allocation.counts(table.label_counts).sum() for fit in fits])
        return np.asarray(0.1 + self.settings.epochs * 2e-4 * n)

    def identity(self) -> dict[str, Any]:
        """All settings but the device, which changes digits only, and the trunk's source file."""
        file = inspect.getsourcefile(inspect.unwrap(self.factory))
        code = md5(Path(file).read_bytes()).hexdigest() if file else None
        return self.settings.identity() | {"code": code}


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
