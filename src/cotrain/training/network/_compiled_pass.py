"""Whole passes of the compiled engine: an epoch of training, and predictions, without the GIL."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit

from cotrain.training.network._kernels import (
    Moments,
    Sparse,
    Step,
    activate,
    block_width,
    decay,
    dots,
    gather,
    mask,
    transpose,
    update,
)
from cotrain.training.network._randomness import DROPOUT, stream

CHUNK = 1024
# What a pass or two call becomes part of them: a function of its own is optimised by itself first,
# and a first run waits for that.
_inlined = njit(nogil=True, inline="always")


class Features(NamedTuple):
    """The features of labelled rows, in their order; `value` is empty if every value is 1."""

    start: np.ndarray
    index: np.ndarray  # type: ignore[assignment]
    value: np.ndarray


class Targets(NamedTuple):
    """Labels as they are trained on; those of position p are start[p] .. start[p + 1]."""

    rows: np.ndarray
    start: np.ndarray
    member: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    side: np.ndarray  # of int8: 0 a label, 1 what a value is above, -1 what it is below
    is_binary: np.ndarray  # of each member


class Network(NamedTuple):
    """All parameters. With one hidden layer `second` and `second_bias` are empty."""

    first: Moments
    first_bias: Moments
    second: Moments
    second_bias: Moments
    heads: Moments
    head_bias: Moments


class Shape(NamedTuple):
    """Sizes: inputs, padded widths of the hidden layers (second 0 if there is none), members."""

    n_features: int
    n_seen: int  # the first so many occur in training
    first: int
    second: int
    n_members: int


class Room(NamedTuple):
    """Where the top hidden layer of a batch, and its gradient, are put."""

    hidden: np.ndarray
    delta: np.ndarray


class Recipe(NamedTuple):
    """What an epoch needs of the model settings."""

    seed: int
    epoch: int
    batch_size: int
    dropout: float
    learning_rate: float
    weight_decay: float
    linear_from: float  # errors beyond it count in proportion, not squared


@_inlined
def _adam_step(recipe, t):  # type: ignore[no-untyped-def]
    size = recipe.learning_rate / (1.0 - 0.9**t)
    root = 1.0 / np.sqrt(1.0 - 0.999**t)
    return Step(0.9, 0.999, 1e-8, size, root, 1.0 - recipe.learning_rate * recipe.weight_decay)


@_inlined
def _dropout_keys(recipe):  # type: ignore[no-untyped-def]
    keys = np.empty(2, np.uint64)
    for layer in range(2):
        keys[layer] = stream(recipe.seed, DROPOUT, recipe.epoch, layer)
    return keys


@_inlined
def _batch_rows(features, batch):  # type: ignore[no-untyped-def]
    return Sparse(features.start[batch], features.start[batch + 1], features.index, features.value)


@_inlined
def _active(hidden, n, width):  # type: ignore[no-untyped-def]
    """The positive entries of a blocked matrix as a sparse one."""
    end = np.zeros(n + 1, np.int64)
    column = np.intp(0)
    while column < width:
        lanes = block_width(column, width)
        for r in range(n):
            at = column * n + r * lanes
            for j in range(lanes):
                end[r + 1] += hidden[at + j] > 0
        column += lanes
    for r in range(n):
        end[r + 1] += end[r]
    fill = end[:n].copy()
    index = np.empty(end[n], np.int32)
    value = np.empty(end[n], hidden.dtype)
    column = np.intp(0)
    while column < width:
        lanes = block_width(column, width)
        for r in range(n):
            at = column * n + r * lanes
            for j in range(lanes):
                if hidden[at + j] > 0:
                    index[fill[r]] = column + j
                    value[fill[r]] = hidden[at + j]
                    fill[r] += 1
        column += lanes
    return Sparse(end[:n].copy(), end[1:], index, value)


@_inlined
def _spread_out(rows, values, scale, width):  # type: ignore[no-untyped-def]
    """The dense blocked matrix of a sparse one with other values, times `scale`."""
    n = rows.begin.size
    out = np.zeros(n * width, values.dtype)
    for r in range(n):
        for k in range(rows.begin[r], rows.end[r]):
            j = np.intp(rows.index[k])
            # Blocks of 64 come first, so that only the last columns lie in narrower ones.
            column = j // 64 * 64
            lanes = block_width(column, width)
            while j - column >= lanes:
                column += lanes
                lanes = block_width(column, width)
            out[column * n + r * lanes + j - column] = values[k] * scale
    return out


@_inlined
def _errors(labels, rows, output, n, linear_from):  # type: ignore[no-untyped-def]
    """Turn outputs into the loss's gradient in place; the sum of the losses is returned."""
    loss = 0.0
    for r in range(rows.begin.size):
        for k in range(rows.begin[r], rows.end[r]):
            z, y = np.float64(output[k]), np.float64(labels.target[k])
            if labels.side[k] * (z - y) > 0.0:  # where a bound says
                value, slope = 0.0, 0.0
            elif labels.is_binary[labels.member[k]]:
                e = np.exp(-abs(z))
                p = 1.0 / (1.0 + e) if z >= 0 else e / (1.0 + e)
                value, slope = max(z, 0.0) - z * y + np.log1p(e), p - y
            elif abs(z - y) <= linear_from:
                value, slope = (z - y) ** 2, 2.0 * (z - y)
            else:
                value = linear_from * (2.0 * abs(z - y) - linear_from)
                slope = 2.0 * linear_from * np.sign(z - y)
            loss += labels.weight[k] * value
            output[k] = labels.weight[k] * slope / n
    return loss


@_inlined
def _update_head_bias(columns, bias, step):  # type: ignore[no-untyped-def]
    for i in range(bias.weight.size):
        g = 0.0
        for k in range(columns.begin[i], columns.end[i]):
            g += columns.value[k]
        bias.first[i] += (1.0 - step.beta1) * (g - bias.first[i])
        bias.second[i] = step.beta2 * bias.second[i] + (1.0 - step.beta2) * g * g
        scale = np.sqrt(bias.second[i]) * step.root + step.epsilon
        bias.weight[i] -= step.size * bias.first[i] / scale


@_inlined
def _without_decay(step):  # type: ignore[no-untyped-def]
    return Step(step.beta1, step.beta2, step.epsilon, step.size, step.root, 1.0)


@_inlined
def _forward(rows, examples, net, shape, keys, dropout, room):  # type: ignore[no-untyped-def]
    """The top hidden layer (in `room`), and the entries of the layer below that it reads."""
    n = examples.size
    hidden = room[: n * shape.first]
    gather(shape.first, rows, net.first.weight, shape.n_features, net.first_bias.weight, hidden)
    activate(shape.first, hidden, examples, keys[0], dropout)
    if shape.second == 0:
        return rows, hidden
    active = _active(hidden, n, shape.first)
    top = np.empty(n * shape.second, hidden.dtype)
    gather(shape.second, active, net.second.weight, shape.first, net.second_bias.weight, top)
    activate(shape.second, top, examples, keys[1], dropout)
    return active, top


@_inlined
def _outputs(heads, bias, known, hidden, width, out):  # type: ignore[no-untyped-def]
    for r in range(known.begin.size):
        for k in range(known.begin[r], known.end[r]):
            out[k] = bias.weight[known.index[k]]
    dots(width, known, hidden, heads.weight, bias.weight.size, out)


@_inlined
def _update_layer(width, which, columns, delta, n, layer, n_inputs, step):  # type: ignore[no-untyped-def]
    """One step of Adam on a hidden layer's weights and biases, which are not decayed."""
    weights, bias = layer
    update(width, which, columns, delta, n, weights, n_inputs, step)
    # A bias is the weight of an input that all rows have.
    one = np.zeros(1, np.int64)
    constant = Sparse(one, one + n, np.arange(n).astype(np.int32), delta[:0])
    update(width, one, constant, delta, n, bias, one.size, _without_decay(step))


@njit(cache=True, nogil=True)
def feature_counts(start, index, rows, n_features):  # type: ignore[no-untyped-def]
    """How many of `rows` have each feature, int64 (n_features,)."""
    counts = np.zeros(n_features, np.int64)
    for row in rows:
        for k in range(start[row], start[row + 1]):
            counts[index[k]] += 1
    return counts


@njit(cache=True, nogil=True)
def renumbered(start, index, value, rows, number):  # type: ignore[no-untyped-def]
    """Some rows of a sparse matrix, its columns numbered anew, as the parts of `Features`."""
    own = np.zeros(rows.size + 1, np.int64)
    for i in range(rows.size):
        own[i + 1] = own[i] + start[rows[i] + 1] - start[rows[i]]
    columns, values = np.empty(own[-1], np.int32), np.empty(own[-1], value.dtype)
    for i in range(rows.size):
        for j in range(own[i + 1] - own[i]):
            columns[own[i] + j] = number[index[start[rows[i]] + j]]
            values[own[i] + j] = value[start[rows[i]] + j]
    return own, columns, values[:0] if (values == 1).all() else values


def _entries(version: str):  # type: ignore[no-untyped-def]
    """The passes, cached on disk under `version`: Numba alone looks at no other file than this."""

    @njit(cache=True, nogil=True)
    def train_epoch(  # type: ignore[no-untyped-def]
        order, features, labels, net, shape, recipe, t, room, stop
    ):
        """One epoch of training in place; the mean loss and the steps so far are returned."""
        version  # noqa: B018 (as a closure's variable it becomes part of the cache's key)
        dtype = net.heads.weight.dtype
        width = shape.second if shape.second > 0 else shape.first
        scale = dtype.type(1.0 / (1.0 - recipe.dropout))
        units, members = np.arange(shape.first), np.arange(shape.n_members)
        seen = np.arange(shape.n_seen)
        keys = _dropout_keys(recipe)
        output = np.zeros(labels.member.size, dtype)
        loss, first_step = 0.0, t
        for at in range(0, order.size, recipe.batch_size):
            if stop[0]:
                break
            batch = order[at : at + recipe.batch_size]
            examples = labels.rows[batch]
            n = batch.size
            t += 1
            step = _adam_step(recipe, t)

            rows = _batch_rows(features, batch)
            active, top = _forward(rows, examples, net, shape, keys, recipe.dropout, room.hidden)
            known = Sparse(labels.start[batch], labels.start[batch + 1], labels.member, output)
            _outputs(net.heads, net.head_bias, known, top, width, output)
            loss += _errors(labels, known, output, n, recipe.linear_from)

            # The gradient at the top layer, before its ReLU; then the heads, needed no longer.
            delta = room.delta[: n * width]
            gather(width, known, net.heads.weight, shape.n_members, np.zeros(width, dtype), delta)
            mask(delta, top, scale)
            by_member = transpose(known, shape.n_members)
            update(width, members, by_member, top, n, net.heads, shape.n_members, step)
            _update_head_bias(by_member, net.head_bias, _without_decay(step))

            if shape.second > 0:
                below = np.zeros(active.index.size, dtype)
                dots(width, active, delta, net.second.weight, shape.first, below)
                by_unit = transpose(active, shape.first)
                second = net.second, net.second_bias
                _update_layer(width, units, by_unit, delta, n, second, shape.first, step)
                delta = _spread_out(active, below, scale, shape.first)

            by_feature = transpose(rows, shape.n_features)
            first = net.first, net.first_bias
            _update_layer(shape.first, seen, by_feature, delta, n, first, shape.n_features, step)
        # Of features that no row has, decay alone moves the weights: all steps at once.
        shrink = 1.0 - recipe.learning_rate * recipe.weight_decay
        decay(shape.first, shape.n_seen, net.first.weight, shape.n_features, shrink, t - first_step)
        return loss / order.size, t

    @njit(cache=True, nogil=True)
    def predict_labels(features, labels, net, shape):  # type: ignore[no-untyped-def]
        """The network's output for each label, (n_labels,)."""
        version  # noqa: B018
        width = shape.second if shape.second > 0 else shape.first
        output = np.zeros(labels.member.size, net.heads.weight.dtype)
        keys, no_dropout = np.zeros(2, np.uint64), np.float64(0.0)
        room = np.empty(min(CHUNK, labels.rows.size) * shape.first, output.dtype)
        for at in range(0, labels.rows.size, CHUNK):
            batch = np.arange(at, min(at + CHUNK, labels.rows.size))
            examples = labels.rows[batch]
            rows = _batch_rows(features, batch)
            top = _forward(rows, examples, net, shape, keys, no_dropout, room)[1]
            known = Sparse(labels.start[batch], labels.start[batch + 1], labels.member, output)
            _outputs(net.heads, net.head_bias, known, top, width, output)
        return output

    return train_epoch, predict_labels


def _source_version() -> str:
    files = (
        Path(__file__).with_name(f"{name}.py") for name in ("_simd", "_randomness", "_kernels")
    )
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


train_epoch, predict_labels = _entries(_source_version())
