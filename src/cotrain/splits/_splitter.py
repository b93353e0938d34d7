"""What a splitter is: examples to folds, with the reason for each group kept whole."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_array

from cotrain.settings import Choice
from cotrain.sources import RawTable


@dataclass(frozen=True, eq=False)
class Folds:
    """The fold of each example, and why it lies there.

    Attributes
    ----------
    folds : ndarray of int64, (N,)
        In 0 .. n_folds - 1.
    groups : ndarray of str, (N,)
        The reason: what is kept in one fold, such as a scaffold or a date; "" for an example that
        lies where it does by itself.
    notes : tuple of str
        What users should know, such as a scaffold too large for a fold; a sentence each.
    """

    folds: np.ndarray
    groups: np.ndarray
    notes: tuple[str, ...] = ()


class Splitter(ABC):
    """Folds of examples.

    Parameters
    ----------
    settings : Settings
        The section `prepare.split` of params.yaml.
    """

    Settings: ClassVar[type[Choice]]

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @abstractmethod
    def folds(self, raw: RawTable, labels: csr_array, n_folds: int, seed: int) -> Folds:
        """Return the fold of each example.

        Parameters
        ----------
        raw : RawTable
            Records under the names of their examples; several records may be one example.
        labels : csr_array, (N, K)
            The known labels of the examples; a stored zero is a label. Row i is example i of
            `distinct(raw)`.
        n_folds : int
            The number of folds F; the last ones are for tests.
        seed : int
            Another seed gives other folds where there is a choice.

        Raises
        ------
        DataError, ValueError
            If the examples cannot be split so; the message says what to set.
        """


def distinct(raw: RawTable) -> np.ndarray:
    """Return the first record of each example, examples in sorted order of names, (N,)."""
    return np.unique(raw.names, return_index=True)[1]
