"""A user's own PyTorch module as the trunk; PyTorch is imported when a learner is made."""

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from hashlib import md5
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from cotrain.settings import Section
from cotrain.training.network._trunk import TrunkNetwork, TrunkSettings


class ModuleSettings(TrunkSettings):
    """Trained as the network is, but for the trunk.

    `trunk` is `package.module:factory`: called with (shape of an example's features, seed), it
    returns a `torch.nn.Module` that maps float tensors (n, *shape) to (n, n_units).
    """

    kind: Literal["module"] = "module"
    trunk: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")]

    @property
    def trunk_name(self) -> str:
        return self.trunk

    def make(self, shape: tuple[int, ...], seed: int) -> Any:
        return find_factory(self.trunk)(shape, seed)


class ModuleNetwork(TrunkNetwork):
    """Hard parameter sharing on the user's own trunk: a linear head a member."""

    Settings: ClassVar[type[Section]] = ModuleSettings
    settings: ModuleSettings

    def __init__(self, settings: ModuleSettings) -> None:
        super().__init__(settings)
        self.factory = find_factory(settings.trunk)

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process finds the factory, and the class of the models, anew; it may have been
        # started before the study's folder was known.
        return _where_it_was_made, (type(self), self.settings, tuple(sys.path))

    def identity(self) -> dict[str, Any]:
        """All settings but the device, which changes digits only, and the trunk's source file."""
        file = inspect.getsourcefile(inspect.unwrap(self.factory))
        code = md5(Path(file).read_bytes()).hexdigest() if file else None
        return super().identity() | {"code": code}


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
