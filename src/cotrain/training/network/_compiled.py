"""The compiled engine: one thread a fit, the same bits whatever else runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import numpy as np

from cotrain.allocation import Fit
from cotrain.tasks import TaskTable
from cotrain.training._learner import NEVER, check_stop
from cotrain.training._problem import Labels, Problem
from cotrain.training._result import FitResult, Outcome, outcome_of
from cotrain.training.network._compiled_pass import (
    Features,
    Network,
    Recipe,
    Room,
    Shape,
    Targets,
    feature_counts,
    predict_labels,
    renumbered,
    train_epoch,
)
from cotrain.training.network._kernels import LANES, Moments, block_width
from cotrain.training.network._randomness import epoch_order
from cotrain.training.network._recipe import (
    EarlyStop,
    check_loss,
    initial_heads,
    initial_layers,
    network_result,
)
from cotrain.training.network._settings import NetworkSettings
from cotrain.training.network._weights import Layer, TrainedNetwork

_HUGE_PAGE = 1 << 21
# From this size on NumPy asks Linux for huge pages.
_NUMPY_ASKS = 1 << 22


@dataclass(frozen=True)
class CompiledEngine:
    """Trains fits one after the other in compiled code that holds no lock."""

    dtype: type[np.floating] = np.float32  # float32, or float64 for comparisons
    fits_at_once: int = 1

    def train(
        self,
        table: TaskTable,
        fits: Sequence[Fit],
        model: NetworkSettings,
        stop: np.ndarray = NEVER,
    ) -> list[Outcome]:
        """The outcome of each fit, in order. A fit that fails does not stop the others."""
        return [outcome_of(partial(self._scores, table, fit, model, stop)) for fit in fits]

    def train_weights(
        self, table: TaskTable, fit: Fit, model: NetworkSettings, stop: np.ndarray = NEVER
    ) -> TrainedNetwork:
        """The trained network of a fit.

        Raises
        ------
        FitError
            If the fit cannot be trained.
        """
        training = _Training.of(table, fit, model, self.dtype)
        training.run(stop)
        return training.weights()

    def _scores(
        self, table: TaskTable, fit: Fit, model: NetworkSettings, stop: np.ndarray
    ) -> FitResult:
        training = _Training.of(table, fit, model, self.dtype, for_scores=True)
        return network_result(training.problem, training.outputs, training.run(stop))


@dataclass(eq=False)
class _Training:
    """One fit under way, its features numbered anew, the most frequent first.

    What a batch reads and updates then lies close together.
    """

    table: TaskTable
    problem: Problem
    model: NetworkSettings
    seed: int
    features: np.ndarray  # (n_features,) of int64: the feature that each number stands for
    network: Network
    shape: Shape

    @classmethod
    def of(
        cls,
        table: TaskTable,
        fit: Fit,
        model: NetworkSettings,
        dtype: type[np.floating],
        for_scores: bool = False,
    ) -> "_Training":
        """The fit before its first step; if `for_scores` alone, without features it never reads."""
        problem = Problem.of(table, fit, model.balance, model.is_one_sided)
        every = table.sparse_features
        seen, *others = (
            feature_counts(every.indptr, every.indices, part.rows, table.n_features)
            for part in (problem.train, problem.validation, problem.test)
        )
        needed = np.flatnonzero((seen + sum(others) > 0) | (not for_scores))
        features = needed[np.argsort(-seen[needed], kind="stable")]
        layers = initial_layers(model.hidden, table.n_features, fit.seed, dtype, features)
        base_rate = model.head_bias == "base_rate"
        heads = initial_heads(problem, model.hidden[-1], fit.seed, dtype, base_rate)
        first, *second = map(_padded, model.hidden)
        widths, n_seen = (first, second[0] if second else 0), int((seen > 0).sum())
        shape = Shape(features.size, n_seen, *widths, problem.members.size)
        return cls(table, problem, model, fit.seed, features, _network(layers, heads), shape)

    def run(self, stop: np.ndarray = NEVER) -> int:
        """Train; the number of epochs done is returned."""
        model, problem, train = self.model, self.problem, self.problem.train
        labels, rows = self._targets(train), self._rows(train)
        size = model.batch_size(train.rows.size)
        watch = EarlyStop(
            model, problem, self.outputs, lambda: [part.weight for part in self.network]
        )
        widths = self.shape.first, self.shape.second or self.shape.first
        sizes = [min(size, train.rows.size) * width for width in widths]
        room = Room(*side_by_side(sizes, self._dtype))
        n_steps = 0
        decay = model.decay(int(problem.n_labels.sum()))
        for epoch in range(model.epochs):
            rate = model.rate(epoch)
            recipe = Recipe(self.seed, epoch, size, model.dropout, rate, decay, model.linear_from)
            order = epoch_order(self.seed, epoch, train.rows)
            loss, n_steps = train_epoch(
                order, rows, labels, self.network, self.shape, recipe, n_steps, room, stop
            )
            check_stop(stop)
            check_loss(loss, epoch)
            if watch.is_over(epoch):
                break
        return watch.restore(epoch + 1)

    def outputs(self, labels: Labels) -> np.ndarray:
        """The network's output for each label, (n_labels,)."""
        return np.asarray(
            predict_labels(self._rows(labels), self._targets(labels), self.network, self.shape)
        )

    def weights(self) -> TrainedNetwork:
        """The network as plain arrays; not of a fit `for_scores`."""
        net, shape, units = self.network, self.shape, self.model.hidden
        weight = _dense(net.first.weight, shape.n_features, units[0])[np.argsort(self.features)]
        hidden = [Layer(weight, net.first_bias.weight[: units[0]].copy())]
        if shape.second > 0:
            weight = _dense(net.second.weight, shape.first, units[1])[: units[0]]
            hidden.append(Layer(weight, net.second_bias.weight[: units[1]].copy()))
        heads = _dense(net.heads.weight, shape.n_members, units[-1])
        return TrainedNetwork(
            hidden=tuple(hidden),
            heads=Layer(np.ascontiguousarray(heads.T), net.head_bias.weight.copy()),
            **self.problem.facts,
        )

    @property
    def _dtype(self) -> np.dtype:
        return self.network.heads.weight.dtype

    def _rows(self, labels: Labels) -> Features:
        """The features of the labels' rows."""
        number = np.zeros(self.table.n_features, dtype=np.int32)
        number[self.features] = np.arange(self.features.size)
        every = self.table.sparse_features
        start, index, value = renumbered(
            every.indptr, every.indices, every.data, labels.rows, number
        )
        return Features(start, index, value.astype(self._dtype, copy=False))

    def _targets(self, labels: Labels) -> Targets:
        target, weight = self.problem.targets(labels), labels.weight
        numbers = target.astype(self._dtype), weight.astype(self._dtype)
        places = labels.rows, labels.start, labels.member
        return Targets(*places, *numbers, labels.side, self.problem.is_binary)


def _padded(n_units: int) -> int:
    return -(-n_units // LANES) * LANES


def _network(layers: tuple[Layer, ...], heads: Layer) -> Network:
    blocked: list[np.ndarray] = []
    n_inputs = layers[0].weight.shape[0]
    for layer in layers:
        blocked += [_blocked(layer.weight, n_inputs), _blocked(layer.bias[None])]
        n_inputs = _padded(layer.bias.size)
    if len(layers) == 1:
        blocked += [heads.bias[:0], heads.bias[:0]]
    blocked += [_blocked(np.ascontiguousarray(heads.weight.T)), heads.bias]
    sizes = [weight.size for weight in blocked for _ in Moments._fields]
    room = iter(side_by_side(sizes, heads.bias.dtype))
    parts = [Moments(next(room), next(room), next(room)) for _ in blocked]
    for part, weight in zip(parts, blocked, strict=True):
        part.weight[:] = weight
    return Network(*parts)


def _blocked(dense: np.ndarray, n_rows: int | None = None) -> np.ndarray:
    """A matrix in blocks of columns, padded with zeros to `n_rows` and whole vectors."""
    rows = n_rows or dense.shape[0]
    blocked = np.zeros(rows * _padded(dense.shape[1]), dtype=dense.dtype)
    for at, lanes in _blocks(_padded(dense.shape[1])):
        part = dense[:, at : at + lanes]
        block = blocked[at * rows : (at + lanes) * rows].reshape(rows, lanes)
        block[: part.shape[0], : part.shape[1]] = part
    return blocked


def _dense(blocked: np.ndarray, n_rows: int, n_columns: int) -> np.ndarray:
    """The matrix that `_blocked` was made of."""
    parts = [
        blocked[at * n_rows : (at + lanes) * n_rows].reshape(n_rows, lanes)
        for at, lanes in _blocks(_padded(n_columns))
    ]
    return np.ascontiguousarray(np.hstack(parts)[:, :n_columns])


def _blocks(width: int) -> list[tuple[int, int]]:
    blocks, at = [], 0
    while at < width:
        blocks.append((at, int(block_width(at, width))))
        at += blocks[-1][1]
    return blocks


def side_by_side(sizes: Sequence[int], dtype: np.dtype) -> list[np.ndarray]:
    """Arrays of zeros with so many entries, cut from one allocation in huge pages.

    Gathered rows lie all over a matrix: with pages of 4 kB half of the time goes into translating
    their addresses, and with arrays that begin between two cache lines each vector is read twice.
    """
    per_line = 64 // dtype.itemsize
    rounded = [-(-size // per_line) * per_line for size in sizes]
    n_bytes = max(sum(rounded) * dtype.itemsize + _HUGE_PAGE, _NUMPY_ASKS)
    raw = np.zeros(n_bytes, dtype=np.uint8)
    skip = -raw.ctypes.data % _HUGE_PAGE
    whole = raw[skip : skip + sum(rounded) * dtype.itemsize].view(dtype)
    starts = accumulate(rounded, initial=0)
    return [whole[start : start + size] for start, size in zip(starts, sizes, strict=False)]
