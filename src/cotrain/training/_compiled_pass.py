"""Whole passes of the compiled engine: an epoch of training, and predictions, without the GIL."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit

from cotrain.training._kernels import (
    Adam,
    Moments,
    Sparse,
    activate,
    block_width,
    dots,
    gather,
    mask,
    transpose,
    update,
    update_and_gather,
)
from cotrain.training._randomness import DROPOUT, stream

CHUNK = 1024


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
    dropout: float
    learning_rate: float
    weight_decay: float


@njit(nogil=True)
def _adam_at(recipe, t, n_ahead, shrink, dtype):  # type: ignore[no-untyped-def]
    """Adam's constants at step `t`, counted from 1, and up to `n_ahead` later ones."""
    beta1, beta2 = 0.9, 0.999
    decay1, decay2 = np.empty(n_ahead + 1, dtype), np.empty(n_ahead + 1, dtype)
    size, root = np.empty(n_ahead + 1, dtype), np.empty(n_ahead + 1, dtype)
    first, second = 1.0, 1.0
    power1, power2 = beta1**t, beta2**t
    for j in range(n_ahead + 1):
        decay1[j], decay2[j] = first, second
        size[j] = first * recipe.learning_rate / (1.0 - power1 * first)
        root[j] = np.sqrt(second / (1.0 - power2 * second))
        first *= beta1
        second *= beta2
    return Adam(beta1, beta2, 1e-8, shrink, decay1, decay2, size, root)


@njit(nogil=True)
def _dropout_keys(recipe):  # type: ignore[no-untyped-def]
    keys = np.empty(2, np.uint64)
    for layer in range(2):
        keys[layer] = stream(recipe.seed, DROPOUT, recipe.epoch, layer)
    return keys


@njit(nogil=True)
def _batch_rows(features, batch):  # type: ignore[no-untyped-def]
    return Sparse(features.start[batch], features.start[batch + 1], features.index, features.value)


@njit(nogil=True)
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


@njit(nogil=True)
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


@njit(nogil=True)
def _errors(labels, rows, output, is_binary, n):  # type: ignore[no-untyped-def]
    """Turn outputs into the loss's gradient in place; the sum of the losses is returned."""
    loss = 0.0
    for r in range(rows.begin.size):
        for k in range(rows.begin[r], rows.end[r]):
            z, y = np.float64(output[k]), np.float64(labels.target[k])
            if is_binary[labels.member[k]]:
                e = np.exp(-abs(z))
                p = 1.0 / (1.0 + e) if z >= 0 else e / (1.0 + e)
                value, slope = max(z, 0.0) - z * y + np.log1p(e), p - y
            else:
                value, slope = (z - y) ** 2, 2.0 * (z - y)
            loss += labels.weight[k] * value
            output[k] = labels.weight[k] * slope / n
    return loss


@njit(nogil=True)
def _update_head_bias(columns, bias, adam):  # type: ignore[no-untyped-def]
    for i in range(bias.weight.size):
        g = 0.0
        for k in range(columns.begin[i], columns.end[i]):
            g += columns.value[k]
        bias.first[i] += (1.0 - adam.beta1) * (g - bias.first[i])
        bias.second[i] = adam.beta2 * bias.second[i] + (1.0 - adam.beta2) * g * g
        scale = np.sqrt(bias.second[i]) * adam.root[0] + adam.epsilon
        bias.weight[i] -= adam.size[0] * bias.first[i] / scale


@njit(nogil=True)
def _steps_ahead(order, batch_size, features, n_features, decay):  # type: ignore[no-untyped-def]
    """How many steps each feature's weights can take at once before batch b, int32 (n + 1, D).

    From batch b to the next that reads them, or to the epoch's end; with weight decay one by one.
    """
    n_batches = -(-order.size // batch_size)
    ahead = np.zeros((n_batches + 1, n_features), np.int32)
    for b in range(n_batches - 1, -1, -1):
        if decay == 0:
            ahead[b] = ahead[b + 1] + np.int32(1)
        here = ahead[b]
        for i in range(b * batch_size, min((b + 1) * batch_size, order.size)):
            for k in range(features.start[order[i]], features.start[order[i] + 1]):
                here[np.intp(features.index[k])] = 0
    return ahead


@njit(nogil=True)
def _second(rows, examples, net, shape, keys, dropout, hidden):  # type: ignore[no-untyped-def]
    """The top hidden layer from the first one's sums, and the entries of what it reads."""
    n = examples.size
    activate(hidden, shape.first, examples, keys[0], dropout)
    if shape.second == 0:
        return rows, hidden
    active = _active(hidden, n, shape.first)
    top = np.empty(n * shape.second, hidden.dtype)
    gather(active, net.second.weight, shape.first, net.second_bias.weight, shape.second, top)
    activate(top, shape.second, examples, keys[1], dropout)
    return active, top


@njit(nogil=True)
def _outputs(heads, bias, known, hidden, width, out):  # type: ignore[no-untyped-def]
    for r in range(known.begin.size):
        for k in range(known.begin[r], known.end[r]):
            out[k] = bias.weight[known.index[k]]
    dots(known, hidden, heads.weight, bias.weight.size, width, out)


@njit(nogil=True)
def _update_bias(delta, n, bias, width, adam):  # type: ignore[no-untyped-def]
    """One step of Adam on biases: each is the weight of an input that all rows have."""
    one = np.zeros(1, np.int64)
    constant = Sparse(one, one + n, np.arange(n).astype(np.int32), delta[:0])
    update(one, constant, delta, n, bias, one.size, width, adam, one + 1)


@njit(nogil=True)
def _train_epoch(  # type: ignore[no-untyped-def]
    order, batch_size, features, labels, is_binary, n_seen, net, shape, recipe, n_done, room, stop
):
    """One epoch of training in place; the mean loss and the number of steps so far are returned."""
    dtype = net.heads.weight.dtype
    width = shape.second if shape.second > 0 else shape.first
    scale = dtype.type(1.0 / (1.0 - recipe.dropout))
    units, members = np.arange(shape.first), np.arange(shape.n_members)
    keys = _dropout_keys(recipe)
    decay = recipe.weight_decay
    shrink = 1.0 - recipe.learning_rate * decay
    ahead = _steps_ahead(order, batch_size, features, shape.n_features, decay)
    n_batches = ahead.shape[0] - 1
    every = np.arange(shape.n_features)
    one_step = np.ones(max(shape.n_members, shape.first), np.int32)
    output = np.zeros(labels.member.size, dtype)
    loss = 0.0

    # A feature's weights stay as they are read until it is next used: then they are brought there.
    batch = order[:batch_size]
    examples = labels.rows[batch]
    rows = _batch_rows(features, batch)
    nothing = np.zeros(shape.n_features, np.int64)
    update_and_gather(
        np.flatnonzero(ahead[0][:n_seen]),
        Sparse(nothing, nothing, rows.index[:0], rows.value[:0]),
        room.delta,
        0,
        net.first,
        shape.n_features,
        shape.first,
        _adam_at(recipe, n_done + 1, n_batches, 1.0, dtype),
        ahead[0],
        rows,
        net.first_bias.weight,
        room.hidden,
    )
    for now in range(n_batches):
        if stop[0]:
            break
        n = batch.size
        hidden = room.hidden[: n * shape.first]
        active, top = _second(rows, examples, net, shape, keys, recipe.dropout, hidden)
        known = Sparse(labels.start[batch], labels.start[batch + 1], labels.member, output)
        _outputs(net.heads, net.head_bias, known, top, width, output)
        loss += _errors(labels, known, output, is_binary, n)

        # The gradient at the top layer, before its ReLU; then the heads, which it no longer needs.
        delta = room.delta[: n * width]
        gather(known, net.heads.weight, shape.n_members, np.zeros(width, dtype), width, delta)
        mask(delta, top, scale)
        by_member = transpose(known, shape.n_members)
        adam = _adam_at(recipe, n_done + now + 1, n_batches - now, 1.0, dtype)
        decaying = adam if decay == 0 else _adam_at(recipe, n_done + now + 1, 0, shrink, dtype)
        update(members, by_member, top, n, net.heads, shape.n_members, width, decaying, one_step)
        _update_head_bias(by_member, net.head_bias, adam)

        if shape.second > 0:
            below = np.zeros(active.index.size, dtype)
            dots(active, delta, net.second.weight, shape.first, width, below)
            by_unit = transpose(active, shape.first)
            update(units, by_unit, delta, n, net.second, shape.first, width, decaying, one_step)
            _update_bias(delta, n, net.second_bias, width, adam)
            delta = _spread_out(active, below, scale, shape.first)

        _update_bias(delta, n, net.first_bias, shape.first, adam)
        by_feature = transpose(rows, shape.n_features)
        batch = order[(now + 1) * batch_size : (now + 2) * batch_size]
        examples = labels.rows[batch]
        rows = _batch_rows(features, batch)
        update_and_gather(
            every if decay > 0 else np.flatnonzero(by_feature.end > by_feature.begin),
            by_feature,
            delta,
            n,
            net.first,
            shape.n_features,
            shape.first,
            decaying,
            ahead[now + 1] + np.int32(1),
            rows,
            net.first_bias.weight,
            room.hidden,
        )
    return loss / order.size, n_done + n_batches


@njit(nogil=True)
def _predict_labels(features, labels, net, shape):  # type: ignore[no-untyped-def]
    """The network's output for each label, (n_labels,)."""
    width = shape.second if shape.second > 0 else shape.first
    output = np.zeros(labels.member.size, net.heads.weight.dtype)
    keys, no_dropout = np.zeros(2, np.uint64), np.float64(0.0)
    room = np.empty(min(CHUNK, labels.rows.size) * shape.first, output.dtype)
    for at in range(0, labels.rows.size, CHUNK):
        batch = np.arange(at, min(at + CHUNK, labels.rows.size))
        examples = labels.rows[batch]
        rows = _batch_rows(features, batch)
        hidden = room[: examples.size * shape.first]
        gather(rows, net.first.weight, shape.n_features, net.first_bias.weight, shape.first, hidden)
        top = _second(rows, examples, net, shape, keys, no_dropout, hidden)[1]
        known = Sparse(labels.start[batch], labels.start[batch + 1], labels.member, output)
        _outputs(net.heads, net.head_bias, known, top, width, output)
    return output


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
    def train_epoch(*args):  # type: ignore[no-untyped-def]
        version  # noqa: B018 (as a closure's variable it becomes part of the cache's key)
        return _train_epoch(*args)

    @njit(cache=True, nogil=True)
    def predict_labels(*args):  # type: ignore[no-untyped-def]
        version  # noqa: B018
        return _predict_labels(*args)

    return train_epoch, predict_labels


def _source_version() -> str:
    files = (
        Path(__file__).with_name(f"{name}.py") for name in ("_simd", "_randomness", "_kernels")
    )
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


train_epoch, predict_labels = _entries(_source_version())
