"""The arithmetic of the compiled engine: three passes over sparse rows, in blocks of columns.

A matrix is kept *blocked*: its columns are cut into blocks of 64 (then 32, then 16), and each block
is stored row by row in one piece. A block of the weights fits the second-level cache, and a row's
slice of it is summed over in registers. Widths are padded to a multiple of 16; padding stays 0.

The rows of a sparse matrix are given by `begin` and `end` into `index` and `value`; with `ones`,
all values are 1 and `value` is not read.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from cotrain.training._randomness import DROPOUT, draw, dropout_threshold, link, stream
from cotrain.training._simd import fma, load, spread, sqrt, store, total

LANES = 16


class Sparse(NamedTuple):
    """The rows of a sparse matrix; entries of row r are begin[r] .. end[r]."""

    begin: np.ndarray
    end: np.ndarray
    index: np.ndarray  # type: ignore[assignment]
    value: np.ndarray


class Moments(NamedTuple):
    """A blocked matrix of parameters with Adam's two running moments."""

    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray


class Step(NamedTuple):
    """Adam's constants at one step."""

    beta1: float
    beta2: float
    epsilon: float
    size: float  # learning rate / (1 - beta1^t)
    root: float  # 1 / sqrt(1 - beta2^t)
    shrink: float  # 1 - learning rate * weight decay


@njit(cache=True, nogil=True)
def block_width(column, width):  # type: ignore[no-untyped-def]
    """The number of columns of the block that begins at `column`."""
    rest = width - column
    if rest >= 64:
        return 64
    return 32 if rest >= 32 else 16


def _gather_block(lanes):  # type: ignore[no-untyped-def]
    @njit(nogil=True)
    def gather(rows, ones, weight, base, bias, bias_at, out, out_at):  # type: ignore[no-untyped-def]
        for r in range(rows.begin.size):
            acc = load(bias, bias_at, lanes)
            if ones:
                for k in range(rows.begin[r], rows.end[r]):
                    acc = acc + load(weight, base + np.intp(rows.index[k]) * lanes, lanes)
            else:
                for k in range(rows.begin[r], rows.end[r]):
                    row = load(weight, base + np.intp(rows.index[k]) * lanes, lanes)
                    acc = fma(row, spread(rows.value[k], row), acc)
            store(out, out_at + r * lanes, acc)

    return gather


def _update_block(lanes):  # type: ignore[no-untyped-def]
    @njit(nogil=True)
    def update(which, columns, ones, source, source_at, state, base, step):  # type: ignore[no-untyped-def]
        for i in range(which.size):
            f = np.intp(which[i])
            at = base + f * lanes
            w = load(state.weight, at, lanes)
            m = load(state.first, at, lanes)
            v = load(state.second, at, lanes)
            g = spread(0.0, w)
            if ones:
                for k in range(columns.begin[f], columns.end[f]):
                    g = g + load(source, source_at + np.intp(columns.index[k]) * lanes, lanes)
            else:
                for k in range(columns.begin[f], columns.end[f]):
                    row = load(source, source_at + np.intp(columns.index[k]) * lanes, lanes)
                    g = fma(row, spread(columns.value[k], row), g)
            m = fma(g - m, spread(1.0 - step.beta1, m), m)
            v = fma(g * g, spread(1.0 - step.beta2, v), v * spread(step.beta2, v))
            scale = fma(sqrt(v), spread(step.root, v), spread(step.epsilon, v))
            w = w * spread(step.shrink, w) - spread(step.size, m) * m / scale
            store(state.weight, at, w)
            store(state.first, at, m)
            store(state.second, at, v)

    return update


def _dots_block(lanes):  # type: ignore[no-untyped-def]
    @njit(nogil=True)
    def dots(rows, left, left_at, right, right_at, out):  # type: ignore[no-untyped-def]
        for r in range(rows.begin.size):
            row = load(left, left_at + r * lanes, lanes)
            for k in range(rows.begin[r], rows.end[r]):
                other = load(right, right_at + np.intp(rows.index[k]) * lanes, lanes)
                out[k] += total(row * other)

    return dots


_gather_64, _gather_32, _gather_16 = (_gather_block(lanes) for lanes in (64, 32, 16))
_update_64, _update_32, _update_16 = (_update_block(lanes) for lanes in (64, 32, 16))
_dots_64, _dots_32, _dots_16 = (_dots_block(lanes) for lanes in (64, 32, 16))


@njit(nogil=True)
def gather(rows, ones, weight, n_inputs, bias, width, out):  # type: ignore[no-untyped-def]
    """out[r] = bias + the sum of value * weight[index] over the entries of row r, (n, width)."""
    n = rows.begin.size
    column = 0
    while column < width:
        lanes = block_width(column, width)
        base, out_at = column * n_inputs, column * n
        if lanes == 64:
            _gather_64(rows, ones, weight, base, bias, column, out, out_at)
        elif lanes == 32:
            _gather_32(rows, ones, weight, base, bias, column, out, out_at)
        else:
            _gather_16(rows, ones, weight, base, bias, column, out, out_at)
        column += lanes


@njit(nogil=True)
def update(which, columns, ones, source, n, state, n_inputs, width, step):  # type: ignore[no-untyped-def]
    """One step of Adam on the rows `which` of a matrix, each read and written once.

    The gradient of row f is the sum of value * source[index] over the entries of column f; it is
    summed in registers and never stored.
    """
    column = 0
    while column < width:
        lanes = block_width(column, width)
        base, at = column * n_inputs, column * n
        if lanes == 64:
            _update_64(which, columns, ones, source, at, state, base, step)
        elif lanes == 32:
            _update_32(which, columns, ones, source, at, state, base, step)
        else:
            _update_16(which, columns, ones, source, at, state, base, step)
        column += lanes


@njit(nogil=True)
def dots(rows, left, right, n_right, width, out):  # type: ignore[no-untyped-def]
    """out[k] += left[r] . right[index[k]] for each entry k of each row r."""
    n = rows.begin.size
    column = 0
    while column < width:
        lanes = block_width(column, width)
        if lanes == 64:
            _dots_64(rows, left, column * n, right, column * n_right, out)
        elif lanes == 32:
            _dots_32(rows, left, column * n, right, column * n_right, out)
        else:
            _dots_16(rows, left, column * n, right, column * n_right, out)
        column += lanes


@njit(nogil=True)
def transpose(rows, ones, n_columns):  # type: ignore[no-untyped-def]
    """The columns of a sparse matrix: their entries' rows in ascending order."""
    end = np.zeros(n_columns + 1, np.int64)
    n_entries = 0
    for r in range(rows.begin.size):
        for k in range(rows.begin[r], rows.end[r]):
            end[np.intp(rows.index[k]) + 1] += 1
            n_entries += 1
    for f in range(n_columns):
        end[f + 1] += end[f]
    begin = end[:n_columns].copy()
    fill = begin.copy()
    index = np.empty(n_entries, np.int32)
    value = np.empty(0 if ones else n_entries, rows.value.dtype)
    for r in range(rows.begin.size):
        for k in range(rows.begin[r], rows.end[r]):
            f = int(rows.index[k])
            index[fill[f]] = r
            if not ones:
                value[fill[f]] = rows.value[k]
            fill[f] += 1
    return Sparse(begin, end[1:], index, value)


@njit(nogil=True)
def activate(pre, width, examples, seed, epoch, layer, rate):  # type: ignore[no-untyped-def]
    """ReLU, then dropout if `rate` > 0, in place on a blocked (n, width) matrix."""
    n = examples.size
    threshold = dropout_threshold(rate)
    key = stream(seed, DROPOUT, epoch, layer)
    scale = pre.dtype.type(1.0 / (1.0 - rate))
    zero = pre.dtype.type(0.0)
    column = 0
    while column < width:
        lanes = block_width(column, width)
        for r in range(n):
            at = column * n + r * lanes
            if rate > 0.0:
                row_key = np.uint32(link(key, examples[r]))
                for j in range(lanes):
                    keep = draw(row_key, np.uint32(column + j)) >= threshold
                    pre[at + j] = pre[at + j] * scale if keep and pre[at + j] > zero else zero
            else:
                for j in range(lanes):
                    pre[at + j] = max(pre[at + j], zero)
        column += lanes


@njit(nogil=True)
def mask(delta, hidden, scale):  # type: ignore[no-untyped-def]
    """The gradient before ReLU and dropout from the one after them, in place."""
    for i in range(delta.size):
        delta[i] = delta[i] * scale if hidden[i] > 0 else delta.dtype.type(0.0)
