"""What a source is: settings in, a raw table out."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from cotrain.registry import SOURCES
from cotrain.settings import Choice
from cotrain.sources._raw import RawTable


class Source(ABC):
    """A reader of measurements.

    Parameters
    ----------
    settings : Settings
        The section `fetch` of params.yaml.
    """

    Settings: ClassVar[type[Choice]]

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @abstractmethod
    def read(self, folder: Path) -> RawTable:
        """Return what was measured.

        Parameters
        ----------
        folder : Path
            The study's folder: relative paths in the settings start there, and `.cotrain` inside
            it keeps what was downloaded.

        Raises
        ------
        DataError
            If the source cannot be had or is not what it must be.
        """


def fetch(settings: Choice, folder: Path) -> RawTable:
    """Return what the source that `settings.kind` names has measured; see `Source.read`."""
    source: Source = SOURCES.find(settings.kind)(settings)
    return source.read(folder)
