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


def _over_blocks(block):  # type: ignore[no-untyped-def]
    """A kernel of a matrix's width and what `block(lanes)` takes behind a block's first column."""
    by_64, by_16 = block(64), block(16)

    @njit(nogil=True)
    def kernel(width, *args):  # type: ignore[no-untyped-def]
        column = np.intp(0)
        while column < width:
            lanes = block_width(column, width)
            if lanes == 64:
                by_64(column, *args)
            else:
                by_16(column, *args)
            column += lanes

    return kernel


@_over_blocks
def gather(lanes):  # type: ignore[no-untyped-def]
    """out[r] = bias + the sum of value * weight[index] over the entries of row r, (n, width)."""

    @njit(nogil=True)
    def block(column, rows, weight, n_inputs, bias, out):  # type: ignore[no-untyped-def]
        base, out_at = column * n_inputs, column * rows.begin.size
        for r in range(rows.begin.size):
            acc = load(bias, column, lanes)
            if rows.value.size == 0:
                for k in range(rows.begin[r], rows.end[r]):
                    acc = acc + load(weight, base + np.intp(rows.index[k]) * lanes, lanes)
            else:
                for k in range(rows.begin[r], rows.end[r]):
                    row = load(weight, base + np.intp(rows.index[k]) * lanes, lanes)
                    acc = fma(row, spread(rows.value[k], row), acc)
            store(out, out_at + r * lanes, acc)

    return block


@_over_blocks
def update(lanes):  # type: ignore[no-untyped-def]
    """One step of Adam on the rows `which` of a matrix, each read and written once.

    The gradient of row f is the sum of value * source[index] over the entries of column f; it is
    summed in registers and never stored.
    """

    @njit(nogil=True)
    def block(column, which, columns, source, n, state, n_inputs, step):  # type: ignore[no-untyped-def]
        base, source_at = column * n_inputs, column * n
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

    return block


@_over_blocks
def decay(lanes):  # type: ignore[no-untyped-def]
    """`n_steps` of `update` on the rows from `begin` on, if they never had an entry: the decay."""

    @njit(nogil=True)
    def block(column, begin, weight, n_inputs, shrink, n_steps):  # type: ignore[no-untyped-def]
        for f in range(begin, n_inputs):
            at = column * n_inputs + f * lanes
            w = load(weight, at, lanes)
            for _ in range(n_steps):
                w = w * spread(shrink, w)
            store(weight, at, w)

    return block


@_over_blocks
def dots(lanes):  # type: ignore[no-untyped-def]
    """out[k] += left[r] . right[index[k]] for each entry k of each row r."""

    @njit(nogil=True)
    def block(column, rows, left, right, n_right, out):  # type: ignore[no-untyped-def]
        left_at, right_at = column * rows.begin.size, column * n_right
        for r in range(rows.begin.size):
            row = load(left, left_at + r * lanes, lanes)
            for k in range(rows.begin[r], rows.end[r]):
                other = load(right, right_at + np.intp(rows.index[k]) * lanes, lanes)
                out[k] += total(row * other)

    return block


@_over_blocks
def activate(lanes):  # type: ignore[no-untyped-def]
    """ReLU, then dropout by the stream `key` if `rate` > 0, in place."""

    @njit(nogil=True)
    def block(column, hidden, examples, key, rate):  # type: ignore[no-untyped-def]
        at, threshold = column * examples.size, dropout_threshold(rate)
        for r in range(examples.size):
            h = load(hidden, at + r * lanes, lanes)
            h = where_positive(h, h)
            if threshold > 0:
                bits = draws(link(key, examples[r]), column, h)
                h = where_at_least(bits, threshold, h * spread(1.0 / (1.0 - rate), h))
            store(hidden, at + r * lanes, h)

    return block


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
def mask(delta, hidden, scale):  # type: ignore[no-untyped-def]
    """The gradient before ReLU and dropout from the one after them, in place."""
    for at in range(0, delta.size, LANES):
        d = load(delta, at, LANES)
        store(delta, at, where_positive(load(hidden, at, LANES), d * spread(scale, d)))
