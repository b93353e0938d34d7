"""The arithmetic of the compiled engine: three passes over sparse rows, in blocks of columns.

A matrix is kept *blocked*: its columns are cut into blocks of 64 and then of 16, and each block is
stored row by row in one piece. A block of the weights fits the second-level cache, and a row's
slice of it is summed over in registers. Widths are padded to a multiple of 16; padding stays 0.

Kernels are specialised by type only. Numba would compile one again for each literal among its
arguments, so none is passed a literal.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from cotrain.training.network._randomness import draws, dropout_threshold, link
from cotrain.training.network._simd import (
    fma,
    load,
    positive,
    spread,
    sqrt,
    store,
    total,
    where_at_least,
    where_positive,
)

LANES = 16


class Sparse(NamedTuple):
    """The rows of a sparse matrix; entries of row r are begin[r] .. end[r].

    `value` is empty if all values are 1.
    """

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
    return 64 if width - column >= 64 else 16


def _gather_block(lanes):  # type: ignore[no-untyped-def]
    @njit(nogil=True)
    def gather(rows, weight, base, bias, bias_at, out, out_at):  # type: ignore[no-untyped-def]
        for r in range(rows.begin.size):
            acc = load(bias, bias_at, lanes)
            if rows.value.size == 0:
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
    def update(which, columns, source, source_at, state, base, step):  # type: ignore[no-untyped-def]
        for i in range(which.size):
            f = np.intp(which[i])
            at = base + f * lanes
            w = load(state.weight, at, lanes)
            m = load(state.first, at, lanes)
            v = load(state.second, at, lanes)
            g = spread(0.0, w)
            if columns.value.size == 0:
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


def _activate_block(lanes):  # type: ignore[no-untyped-def]
    @njit(nogil=True)
    def activate(hidden, at, column, examples, key, threshold, scale):  # type: ignore[no-untyped-def]
        for r in range(examples.size):
            h = positive(load(hidden, at + r * lanes, lanes))
            if threshold > 0:
                bits = draws(link(key, examples[r]), column, h)
                h = where_at_least(bits, threshold, h * spread(scale, h))
            store(hidden, at + r * lanes, h)

    return activate


_gather_64, _gather_16 = _gather_block(64), _gather_block(16)
_update_64, _update_16 = _update_block(64), _update_block(16)
_dots_64, _dots_16 = _dots_block(64), _dots_block(16)
_activate_64, _activate_16 = _activate_block(64), _activate_block(16)


@njit(nogil=True)
def gather(rows, weight, n_inputs, bias, width, out):  # type: ignore[no-untyped-def]
    """out[r] = bias + the sum of value * weight[index] over the entries of row r, (n, width)."""
    n = rows.begin.size
    column = np.intp(0)
    while column < width:
        lanes = block_width(column, width)
        base, out_at = column * n_inputs, column * n
        if lanes == 64:
            _gather_64(rows, weight, base, bias, column, out, out_at)
        else:
            _gather_16(rows, weight, base, bias, column, out, out_at)
        column += lanes


@njit(nogil=True)
def update(which, columns, source, n, state, n_inputs, width, step):  # type: ignore[no-untyped-def]
    """One step of Adam on the rows `which` of a matrix, each read and written once.

    The gradient of row f is the sum of value * source[index] over the entries of column f; it is
    summed in registers and never stored.
    """
    column = np.intp(0)
    while column < width:
        lanes = block_width(column, width)
        base, at = column * n_inputs, column * n
        if lanes == 64:
            _update_64(which, columns, source, at, state, base, step)
        else:
            _update_16(which, columns, source, at, state, base, step)
        column += lanes


@njit(nogil=True)
def dots(rows, left, right, n_right, width, out):  # type: ignore[no-untyped-def]
    """out[k] += left[r] . right[index[k]] for each entry k of each row r."""
    n = rows.begin.size
    column = np.intp(0)
    while column < width:
        lanes = block_width(column, width)
        if lanes == 64:
            _dots_64(rows, left, column * n, right, column * n_right, out)
        else:
            _dots_16(rows, left, column * n, right, column * n_right, out)
        column += lanes


@njit(nogil=True)
def transpose(rows, n_columns):  # type: ignore[no-untyped-def]
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
    ones = rows.value.size == 0
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
def activate(hidden, width, examples, key, rate):  # type: ignore[no-untyped-def]
    """ReLU, then dropout by the stream `key` if `rate` > 0, in place."""
    n = examples.size
    threshold = dropout_threshold(rate)
    column = np.intp(0)
    while column < width:
        if block_width(column, width) == 64:
            _activate_64(hidden, column * n, column, examples, key, threshold, 1.0 / (1.0 - rate))
            column += 64
        else:
            _activate_16(hidden, column * n, column, examples, key, threshold, 1.0 / (1.0 - rate))
            column += 16


@njit(nogil=True)
def mask(delta, hidden, scale):  # type: ignore[no-untyped-def]
    """The gradient before ReLU and dropout from the one after them, in place."""
    for at in range(0, delta.size, LANES):
        d = load(delta, at, LANES)
        store(delta, at, where_positive(load(hidden, at, LANES), d * spread(scale, d)))
