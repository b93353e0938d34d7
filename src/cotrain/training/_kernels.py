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

from cotrain.training._randomness import draws, dropout_threshold, link
from cotrain.training._simd import (
    fetch,
    fma,
    inverse_sqrt,
    load,
    positive,
    quotient,
    spread,
    store,
    total,
    where_at_least,
    where_positive,
)

LANES = 16

# Rows that are updated later but brought into the cache already.
AHEAD = 4

# Added under Adam's square root so that its inverse is finite: nothing beside epsilon squared.
TINY = 1e-30


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


class Adam(NamedTuple):
    """Adam's constants at a step, and at those after it in which a gradient is 0.

    After j steps without gradient the moments are decay1[j] and decay2[j] times what they were, and
    the step is size[j] * m / (root[j] * sqrt(v) + epsilon), of the moments m and v as they were.
    """

    beta1: float
    beta2: float
    epsilon: float
    shrink: float  # 1 - learning rate * weight decay
    decay1: np.ndarray
    decay2: np.ndarray
    size: np.ndarray
    root: np.ndarray


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


@njit(nogil=True, inline="always")
def _adam(g, state, at, adam, n_steps):  # type: ignore[no-untyped-def]
    """Steps of Adam on the weights from `at` on: one with gradient `g`, the others without."""
    w = load(state.weight, at, LANES)
    m = load(state.first, at, LANES)
    v = load(state.second, at, LANES)
    m = fma(g - m, spread(1.0 - adam.beta1, m), m)
    v = fma(g * g, spread(1.0 - adam.beta2, v), v * spread(adam.beta2, v))
    above = v + spread(TINY, v)
    root = above * inverse_sqrt(above)
    epsilon = spread(adam.epsilon, v)
    way = quotient(spread(adam.size[0], m), fma(root, spread(adam.root[0], v), epsilon))
    for j in range(1, n_steps):
        scale = fma(root, spread(adam.root[j], v), epsilon)
        way = way + quotient(spread(adam.size[j], m), scale)
    store(state.weight, at, w * spread(adam.shrink, w) - m * way)
    store(state.first, at, m * spread(adam.decay1[n_steps - 1], m))
    store(state.second, at, v * spread(adam.decay2[n_steps - 1], v))


def _update_block(lanes):  # type: ignore[no-untyped-def]
    @njit(nogil=True)
    def update(which, columns, source, source_at, state, base, adam, n_steps):  # type: ignore[no-untyped-def]
        gradient = np.empty(lanes, source.dtype)
        for i in range(which.size):
            f = np.intp(which[i])
            at = base + f * lanes
            if i + AHEAD < which.size:
                soon = base + np.intp(which[i + AHEAD]) * lanes
                fetch(state.weight, soon, lanes)
                fetch(state.first, soon, lanes)
                fetch(state.second, soon, lanes)
            g = load(state.weight, at, lanes)
            g = spread(0.0, g)
            if columns.value.size == 0:
                for k in range(columns.begin[f], columns.end[f]):
                    g = g + load(source, source_at + np.intp(columns.index[k]) * lanes, lanes)
            else:
                for k in range(columns.begin[f], columns.end[f]):
                    row = load(source, source_at + np.intp(columns.index[k]) * lanes, lanes)
                    g = fma(row, spread(columns.value[k], row), g)
            # Few lanes at a time: Adam needs more registers than a whole row leaves.
            store(gradient, np.intp(0), g)
            for lane in range(0, lanes, LANES):
                _adam(load(gradient, lane, LANES), state, at + lane, adam, n_steps[f])

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
def update(which, columns, source, n, state, n_inputs, width, adam, n_steps):  # type: ignore[no-untyped-def]
    """n_steps[f] steps of Adam on each row f of `which` of a matrix, read and written once.

    The gradient of row f is the sum of value * source[index] over the entries of column f in the
    first step, summed in registers and never stored, and 0 in the others.
    """
    column = np.intp(0)
    while column < width:
        lanes = block_width(column, width)
        base, at = column * n_inputs, column * n
        if lanes == 64:
            _update_64(which, columns, source, at, state, base, adam, n_steps)
        else:
            _update_16(which, columns, source, at, state, base, adam, n_steps)
        column += lanes


@njit(nogil=True)
def update_and_gather(  # type: ignore[no-untyped-def]
    which, columns, source, n, state, n_inputs, width, adam, n_steps, rows, bias, out
):
    """`update`, and `gather` by the new weights while each block of them is at hand."""
    column = np.intp(0)
    while column < width:
        lanes = block_width(column, width)
        base, at, out_at = column * n_inputs, column * n, column * rows.begin.size
        if lanes == 64:
            _update_64(which, columns, source, at, state, base, adam, n_steps)
            _gather_64(rows, state.weight, base, bias, column, out, out_at)
        else:
            _update_16(which, columns, source, at, state, base, adam, n_steps)
            _gather_16(rows, state.weight, base, bias, column, out, out_at)
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
