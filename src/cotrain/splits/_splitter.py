"""What a splitter is: examples to folds, with the reason for each group kept whole; at random."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from cotrain.registry import Noun
from cotrain.settings import Choice
from cotrain.sources import RawTable
from cotrain.splits._balance import group_folds


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


class Splitter(Noun):
    """Folds of examples; its settings are the section `prepare.split` of params.yaml."""

    @abstractmethod
    def folds(self, raw: RawTable, labels: csr_array, n_folds: int, seed: int) -> Folds:
        """Return the fold of each example.

        Several records of `raw` may be one example. `labels`, a csr_array (N, K), are those that
        are known, stored zeros included; row i is example i of `distinct(raw)`. The last of the
        folds are for tests. Another seed gives other folds where there is a choice.

        Raises
        ------
        DataError, ValueError
            If the examples cannot be split so; the message says what to set.
        """


def distinct(raw: RawTable) -> np.ndarray:
    """Return the first record of each example, examples in sorted order of names, (N,)."""
    return np.unique(raw.names, return_index=True)[1]


class RandomSettings(Choice):
    """Nothing to choose."""

    kind: Literal["random"]


class RandomSplitter(Splitter):
    """A random fold for each example, labels balanced as in `group_folds`."""

    Settings = RandomSettings

    def folds(self, raw: RawTable, labels: csr_array, n_folds: int, seed: int) -> Folds:  # noqa: ARG002
        n_examples = labels.shape[0]
        folds = group_folds(np.arange(n_examples), labels, n_folds, seed)
        return Folds(folds, np.full(n_examples, "", dtype=object))
