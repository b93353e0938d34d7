"""Folds at random, labels balanced."""

from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from cotrain.settings import Choice
from cotrain.sources import RawTable
from cotrain.splits._balance import group_folds
from cotrain.splits._splitter import Folds, Splitter


class RandomSettings(Choice):
    """Nothing to choose."""

    kind: Literal["random"]


class RandomSplitter(Splitter):
    """A random fold for each example, labels balanced as in `group_folds`."""

    Settings = RandomSettings

    def folds(self, raw: RawTable, labels: csr_array, n_folds: int, seed: int) -> Folds:  # noqa: ARG002
        """Return random folds; no example has a reason."""
        n_examples = labels.shape[0]
        folds = group_folds(np.arange(n_examples), labels, n_folds, seed)
        return Folds(folds, np.full(n_examples, "", dtype=object))
