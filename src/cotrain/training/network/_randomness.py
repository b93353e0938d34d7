"""Random numbers by counting: each is a hash of what it is for, so that fits are paired.

There is no generator whose state runs on from draw to draw. The initial weight of a unit, the
place of an example in an epoch and the fate of a unit under dropout each follow from the seed and
their own coordinates alone. Two fits with one seed therefore agree wherever their allocations
agree, and nothing depends on workers, batching or order.

Keys are 64 bits, chained with SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195);
single draws are 32 bits, mixed with Wellons' `lowbias32`.
"""

import numpy as np
from numba import njit, uint32, uint64

from cotrain.training.network._simd import count_from, spread

# The first link of a key: what the stream is for.
TRUNK, HEAD, ORDER, DROPOUT = 1, 2, 3, 4


@njit(cache=True, nogil=True, inline="always")
def link(key, value):  # type: ignore[no-untyped-def]
    """The 64-bit key that follows from `key` and an integer."""
    z = uint64(key) + (uint64(value) + uint64(1)) * uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@njit(cache=True, nogil=True, inline="always")
def draw(key, counter):  # type: ignore[no-untyped-def]
    """32 random bits: number `counter` of the stream of `key`."""
    x = uint32(uint32(key) + uint32(uint32(counter) * uint32(0x9E3779B9)))
    x = uint32(uint32(x ^ uint32(x >> uint32(16))) * uint32(0x7FEB352D))
    x = uint32(uint32(x ^ uint32(x >> uint32(15))) * uint32(0x846CA68B))
    return uint32(x ^ uint32(x >> uint32(16)))


@njit(nogil=True, inline="always")
def draws(key, first, like):  # type: ignore[no-untyped-def]
    """`draw` for the counters first, first + 1, ... in the lanes of a vector."""
    counter = count_from(uint32(first), like)
    x = counter * spread(uint32(0x9E3779B9), counter) + spread(uint32(key), counter)
    x = (x ^ (x >> spread(uint32(16), x))) * spread(uint32(0x7FEB352D), x)
    x = (x ^ (x >> spread(uint32(15), x))) * spread(uint32(0x846CA68B), x)
    return x ^ (x >> spread(uint32(16), x))


@njit(cache=True, nogil=True)
def stream(seed, purpose, first, second):  # type: ignore[no-untyped-def]
    """The key of a stream: (seed, purpose, two coordinates)."""
    return link(link(link(link(uint64(0), seed), purpose), first), second)


@njit(cache=True, nogil=True)
def fill_uniform(seed, purpose, coordinate, bound, rows, out):  # type: ignore[no-untyped-def]
    """Fill `out` (n_rows, columns) with the numbers of `rows`, uniform in (-bound, bound)."""
    key = stream(seed, purpose, coordinate, 0)
    for i in range(rows.size):
        row_key = link(key, rows[i])
        for column in range(out.shape[1]):
            unit = (np.float64(draw(row_key, column)) + 0.5) / 4294967296.0
            out[i, column] = bound * (2.0 * unit - 1.0)


@njit(cache=True, nogil=True)
def order_keys(seed, epoch, examples):  # type: ignore[no-untyped-def]
    """Sort keys of `examples` (n,) in an epoch, uint64: a hash above, the position below."""
    key = stream(seed, ORDER, epoch, 0)
    keys = np.empty(examples.size, np.uint64)
    for position in range(examples.size):
        high = link(key, examples[position]) & uint64(0xFFFFFFFF00000000)
        keys[position] = high | uint64(position)
    return keys


def epoch_order(seed: int, epoch: int, examples: np.ndarray) -> np.ndarray:
    """Positions 0 .. n-1 of `examples` in the order in which an epoch visits them, int64 (n,).

    Two examples stand in the same order in every fit of one seed that trains on both.
    """
    keys = np.sort(order_keys(seed, epoch, examples))
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)


@njit(cache=True, nogil=True)
def dropout_threshold(rate):  # type: ignore[no-untyped-def]
    """A unit is kept when its draw is at least this."""
    return uint32(min(rate * 4294967296.0, 4294967295.0))


@njit(cache=True, nogil=True)
def keep_mask(seed, epoch, layer, examples, n_units, rate):  # type: ignore[no-untyped-def]
    """Which units of a hidden layer survive dropout, bool (n_examples, n_units)."""
    threshold = dropout_threshold(rate)
    key = stream(seed, DROPOUT, epoch, layer)
    keep = np.empty((examples.size, n_units), np.bool_)
    for row in range(examples.size):
        row_key = link(key, examples[row])
        for unit in range(n_units):
            keep[row, unit] = draw(row_key, unit) >= threshold
    return keep
