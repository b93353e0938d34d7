"""Trunks of many fits side by side: stacked parameters, one pass for all fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch.nn.functional import embedding_bag

from cotrain.exceptions import FitError
from cotrain.tasks import TaskTable
from cotrain.training.network._randomness import keep_mask
from cotrain.training.network._recipe import initial_layers


@dataclass(frozen=True, eq=False)
class Rows:
    """The examples that each of k fits looks at, padded to equally many."""

    examples: list[np.ndarray]  # the examples of each fit, (n_b,) of int64
    n: int  # the most examples of a fit
    epoch: int | None  # for dropout; None when nothing is dropped


class Trunk(Protocol):
    """What heads stand on."""

    table: TaskTable
    n_units: int
    parameters: dict[str, torch.Tensor]  # each with a leading axis of fits
    buffers: dict[str, torch.Tensor]  # what passes of training change beside the parameters

    def forward(self, parameters: dict[str, torch.Tensor], rows: Rows) -> torch.Tensor:
        """The representation of each row of each fit, (k, n, n_units).

        Buffers among the parameters take the place of the trunk's own.
        """
        ...


class SparseTrunk:
    """The standard trunk: the first layer reads only the features that are set."""

    def __init__(
        self,
        table: TaskTable,
        hidden: list[int],
        dropout: float,
        seeds: Sequence[int],
        like: torch.Tensor,
    ) -> None:
        self.table, self.dropout, self.seeds, self.like = table, dropout, seeds, like
        self.n_units = hidden[-1]
        dtype = np.float64 if like.dtype == torch.float64 else np.float32
        layers = [initial_layers(hidden, table.n_features, seed, dtype) for seed in seeds]
        self.parameters: dict[str, torch.Tensor] = {}
        self.buffers: dict[str, torch.Tensor] = {}
        for depth in range(len(hidden)):
            weights = np.stack([fit[depth].weight for fit in layers])
            biases = np.stack([fit[depth].bias for fit in layers])
            self.parameters[f"weight{depth}"] = torch.as_tensor(weights).to(like)
            self.parameters[f"bias{depth}"] = torch.as_tensor(biases[:, None]).to(like)

    def forward(self, parameters: dict[str, torch.Tensor], rows: Rows) -> torch.Tensor:
        hidden = self._drop(torch.relu(self.first_sums(parameters, rows)), rows, 0)
        if "weight1" in parameters:
            hidden = torch.baddbmm(parameters["bias1"], hidden, parameters["weight1"])
            hidden = self._drop(torch.relu(hidden), rows, 1)
        return hidden

    def first_sums(self, parameters: dict[str, torch.Tensor], rows: Rows) -> torch.Tensor:
        """The first layer before its ReLU, (k, n, n_units of it)."""
        weight = parameters["weight0"]
        k, n_features, n_units = weight.shape
        index, value, offsets = _entries(self.table, rows)
        device = self.like.device
        bags = embedding_bag(
            torch.as_tensor(index, device=device),
            weight.reshape(k * n_features, n_units),
            torch.as_tensor(offsets, device=device),
            mode="sum",
            per_sample_weights=torch.as_tensor(value).to(self.like),
        )
        return bags.reshape(k, rows.n, n_units) + parameters["bias0"]

    def _drop(self, hidden: torch.Tensor, rows: Rows, layer: int) -> torch.Tensor:
        if rows.epoch is None or self.dropout == 0:
            return hidden
        keep = np.zeros(hidden.shape, dtype=bool)
        for place, examples in enumerate(rows.examples):
            keep[place, : examples.size] = keep_mask(
                self.seeds[place], rows.epoch, layer, examples, hidden.shape[2], self.dropout
            )
        return hidden * torch.as_tensor(keep).to(self.like) / (1 - self.dropout)


def _entries(table: TaskTable, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stacked feature indices, their values, and where each of the k * n rows begins."""
    n_examples = np.array([examples.size for examples in rows.examples])
    features = table.sparse_features[np.concatenate(rows.examples)]
    sizes = np.zeros((n_examples.size, rows.n), dtype=np.int64)
    sizes[np.arange(rows.n) < n_examples[:, None]] = np.diff(features.indptr)
    fit = np.repeat(np.arange(n_examples.size), sizes.sum(axis=1))
    index = features.indices.astype(np.int64) + fit * table.n_features
    return index, features.data, np.cumsum(sizes) - sizes.ravel()


def empty_on(device: str | None, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """An empty tensor on a device, which must be here; None: a GPU if there is one."""
    usual = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, dtype=dtype, device=device or usual)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise FitError(f"`device: {device}` cannot be used ({reason})") from error
