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
from cotrain.training._result import FitResult, Outcome, fit_result, outcome_of
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
    scaled,
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
        n_epochs = training.run(stop)
        problem = training.problem
        validation, test = (
            scaled(problem, labels, training.outputs(labels))
            for labels in (problem.validation, problem.test)
        )
        return fit_result(problem, validation, test, n_epochs)


@dataclass(eq=False)
class _Training:
    """One fit under way."""

    problem: Problem
    model: NetworkSettings
    seed: int
    inputs: "_Inputs"
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
        inputs = _Inputs.of(table, problem, whole=not for_scores)
        layers = initial_layers(model.hidden, table.n_features, fit.seed, dtype, inputs.features)
        base_rate = model.head_bias == "base_rate"
        heads = initial_heads(problem, model.hidden[-1], fit.seed, dtype, base_rate)
        widths = [_padded(n_units) for n_units in model.hidden]
        shape = Shape(
            inputs.features.size,
            widths[0],
            widths[1] if len(widths) > 1 else 0,
            len(problem.members),
        )
        return cls(problem, model, fit.seed, inputs, _network(layers, heads), shape)

    def run(self, stop: np.ndarray = NEVER) -> int:
        """Train; the number of epochs done is returned."""
        train = self.problem.train
        labels, rows = self._targets(train), self._rows(train)
        size = self.model.batch_size(train.rows.size)
        watch = EarlyStop(
            self.model, self.problem, self.outputs, lambda: [part.weight for part in self.network]
        )
        room = self._room(min(size, train.rows.size))
        n_steps = 0
        decay = self.model.decay(int(self.problem.n_labels.sum()))
        for epoch in range(self.model.epochs):
            recipe = Recipe(
                self.seed,
                epoch,
                self.model.dropout,
                self.model.rate(epoch),
                decay,
                self.model.linear_from,
            )
            order = epoch_order(self.seed, epoch, train.rows)
            loss, n_steps = train_epoch(
                order,
                size,
                rows,
                labels,
                self.problem.is_binary,
                self.inputs.n_seen,
                self.network,
                self.shape,
                recipe,
                n_steps,
                room,
                stop,
            )
            check_stop(stop)
            check_loss(loss, epoch)
            if watch.is_over(epoch):
                break
        return watch.restore(epoch + 1)

    def _room(self, n_rows: int) -> Room:
        sizes = [n_rows * self.shape.first, n_rows * (self.shape.second or self.shape.first)]
        return Room(*side_by_side(sizes, self.network.heads.weight.dtype))

    def outputs(self, labels: Labels) -> np.ndarray:
        """The network's output for each label, (n_labels,)."""
        return np.asarray(
            predict_labels(self._rows(labels), self._targets(labels), self.network, self.shape)
        )

    def weights(self) -> TrainedNetwork:
        """The network as plain arrays; not of a fit `for_scores`."""
        net, units = self.network, self.model.hidden
        n_inputs = [self.shape.n_features, self.shape.first]
        back = np.argsort(self.inputs.features)
        trunk = [(net.first, net.first_bias), (net.second, net.second_bias)]
        hidden = []
        fan_in = self.shape.n_features
        for (weight, bias), rows, n_units in zip(trunk, n_inputs, units, strict=False):
            dense = _dense(weight.weight, rows, n_units)[:fan_in]
            hidden.append(Layer(dense, bias.weight[:n_units].copy()))
            fan_in = n_units
        hidden[0] = Layer(hidden[0].weight[back], hidden[0].bias)
        heads = _dense(net.heads.weight, self.shape.n_members, units[-1])
        return TrainedNetwork(
            hidden=tuple(hidden),
            heads=Layer(np.ascontiguousarray(heads.T), net.head_bias.weight.copy()),
            **self.problem.facts,
        )

    def _rows(self, labels: Labels) -> Features:
        return self.inputs.rows(labels, self.network.heads.weight.dtype)

    def _targets(self, labels: Labels) -> Targets:
        dtype = self.network.heads.weight.dtype
        return Targets(
            labels.rows,
            labels.start,
            labels.member,
            self.problem.targets(labels).astype(dtype),
            labels.weight.astype(dtype),
            labels.side,
        )


@dataclass(frozen=True, eq=False)
class _Inputs:
    """A table's features numbered anew for one fit, the most frequent first.

    What a batch reads and updates then lies close together.
    """

    table: TaskTable
    features: np.ndarray  # (n_features,) of int64: the feature that each number stands for
    n_seen: int  # the first so many occur in training

    @classmethod
    def of(cls, table: TaskTable, problem: Problem, whole: bool) -> "_Inputs":
        """The features of a fit's rows, or the `whole` table's."""
        parts, features = (problem.train, problem.validation, problem.test), table.sparse_features
        seen, *other = (
            feature_counts(features.indptr, features.indices, part.rows, table.n_features)
            for part in parts
        )
        needed = np.flatnonzero((seen + sum(other) > 0) | whole)
        order = needed[np.argsort(-seen[needed], kind="stable")]
        return cls(table, order, int((seen > 0).sum()))

    def rows(self, labels: Labels, dtype: np.dtype) -> Features:
        """The features of the labels' rows."""
        number = np.zeros(self.table.n_features, dtype=np.int32)
        number[self.features] = np.arange(self.features.size)
        features = self.table.sparse_features
        start, index, value = renumbered(
            features.indptr, features.indices, features.data, labels.rows, number
        )
        return Features(start, index, value.astype(dtype, copy=False))


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
