import numpy as np
from numba import njit

from cotrain.training.network._randomness import (
    HEAD,
    ORDER,
    TRUNK,
    draw,
    draws,
    epoch_order,
    fill_uniform,
    keep_mask,
    link,
    stream,
)
from cotrain.training.network._simd import load
from cotrain.training.network._simd import store as store_bits

WORD, HALF = 2**64 - 1, 2**32 - 1


def reference_link(key, value):
    """SplitMix64's step and finaliser in exact integers."""
    z = (key + (value + 1) * 0x9E3779B97F4A7C15) & WORD
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & WORD
    return z ^ z >> 31


def reference_draw(key, counter):
    x = ((key & HALF) + counter * 0x9E3779B9) & HALF
    x = ((x ^ x >> 16) * 0x7FEB352D) & HALF
    x = ((x ^ x >> 15) * 0x846CA68B) & HALF
    return x ^ x >> 16


def test_hashes_equal_exact_integer_arithmetic():
    rng = np.random.default_rng(0)
    for key, value in rng.integers(0, 2**63, (50, 2)):
        assert int(link(np.uint64(key), np.uint64(value))) == reference_link(int(key), int(value))
        counter = int(value) & HALF
        assert int(draw(np.uint64(key), counter)) == reference_draw(int(key), counter)


def test_splitmix_gives_its_published_first_numbers():
    # The sequence of seed 1234567 that the reference implementation prints.
    first = [6457827717110365317, 3203168211198807973]
    assert [reference_link(1234567, i) for i in range(2)] == first
    assert [int(link(np.uint64(1234567), np.uint64(i))) for i in range(2)] == first


@njit
def lanes_of(key, first, like, out):
    bits = draws(key, first, load(like, np.intp(0), 64))
    store_bits(out, np.intp(0), bits)


def test_vectors_of_draws_equal_single_draws():
    out = np.zeros(64, np.uint32)
    lanes_of(np.uint64(99), 37, np.zeros(64, np.float32), out)
    assert out.tolist() == [reference_draw(99, 37 + lane) for lane in range(64)]


def test_weights_are_uniform_and_follow_from_their_own_coordinates():
    small, large = np.empty((40, 30)), np.empty((60, 30))
    fill_uniform(3, TRUNK, 0, 0.5, np.arange(40), small)
    fill_uniform(3, TRUNK, 0, 0.5, np.arange(60), large)
    np.testing.assert_array_equal(small, large[:40])
    assert abs(large.mean()) < 0.02
    assert abs(large.var() - 0.25 / 3) < 0.01
    assert np.abs(large).max() <= 0.5
    for seed, purpose, coordinate in ((4, TRUNK, 0), (3, HEAD, 0), (3, TRUNK, 1)):
        other = np.empty((40, 30))
        fill_uniform(seed, purpose, coordinate, 0.5, np.arange(40), other)
        assert abs(np.corrcoef(small.ravel(), other.ravel())[0, 1]) < 0.1


def test_order_is_a_permutation_that_subsets_share():
    examples = np.arange(0, 1000, 3)
    order = examples[epoch_order(7, 2, examples)]
    assert sorted(order) == examples.tolist()
    some = examples[::5]
    in_subset = some[epoch_order(7, 2, some)]
    np.testing.assert_array_equal(in_subset, order[np.isin(order, some)])
    assert order.tolist() != examples[epoch_order(7, 3, examples)].tolist()
    assert order.tolist() != examples[epoch_order(8, 2, examples)].tolist()


def test_dropout_masks_have_their_rate_and_belong_to_the_example():
    examples = np.arange(500)
    keep = keep_mask(1, 0, 0, examples, 64, 0.3)
    assert abs(keep.mean() - 0.7) < 0.01
    np.testing.assert_array_equal(keep[[400, 3]], keep_mask(1, 0, 0, examples[[400, 3]], 64, 0.3))
    for other in (
        keep_mask(2, 0, 0, examples, 64, 0.3),
        keep_mask(1, 1, 0, examples, 64, 0.3),
        keep_mask(1, 0, 1, examples, 64, 0.3),
    ):
        assert abs(np.corrcoef(keep.ravel(), other.ravel())[0, 1]) < 0.03
    assert keep_mask(1, 0, 0, examples, 8, 0.0).all()


def test_streams_differ_by_purpose():
    keys = {int(stream(5, purpose, 1, 2)) for purpose in (TRUNK, HEAD, ORDER)}
    assert len(keys) == 3
