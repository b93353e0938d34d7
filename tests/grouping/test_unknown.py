import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotrain.grouping import fill_unknown_pairs, select_groups

NAN = np.nan


def test_an_unknown_pair_takes_the_mean_of_its_recipient_or_of_all():
    affinity = [[9.0, 1.0, 3.0], [2.0, 9.0, NAN], [NAN, NAN, 9.0]]
    expected = [[NAN, 1.0, 3.0], [2.0, NAN, 2.0], [2.0, 2.0, NAN]]
    np.testing.assert_array_equal(fill_unknown_pairs(affinity), expected)


@given(st.integers(2, 7), st.integers(0, 10**6))
def test_what_is_known_stays_and_no_recipient_s_mean_moves(n_tasks, seed):
    rng = np.random.default_rng(seed)
    affinity = np.where(rng.random((n_tasks, n_tasks)) < 0.5, NAN, rng.normal(size=n_tasks))
    affinity[0, 1] = 0.3
    given_ = affinity.copy()
    filled = fill_unknown_pairs(affinity)
    np.testing.assert_array_equal(affinity, given_)
    off = ~np.eye(n_tasks, dtype=bool)
    known = off & ~np.isnan(affinity)
    np.testing.assert_array_equal(filled[known], affinity[known])
    np.testing.assert_array_equal(np.isnan(filled), ~off)
    for task in range(n_tasks):
        of_task = known[task] if known[task].any() else known
        expected = affinity[task, known[task]] if known[task].any() else affinity[of_task]
        assert filled[task, off[task]].mean() == pytest.approx(expected.mean())


def test_an_unknown_source_is_chosen_neither_before_helpers_nor_behind_what_hurts():
    # 0 is helped by 1 and hurt by 2; of 3 nothing is known. A 0 would put 3 before 1.
    affinity = np.full((4, 4), -0.5)
    affinity[0] = [NAN, -0.1, -0.9, NAN]
    filled = fill_unknown_pairs(affinity)
    assert filled[0, 2] < filled[0, 3] < filled[0, 1]
    groups = select_groups(filled, max_groups=2, min_size=2).groups
    assert (0, 1) in groups


@pytest.mark.parametrize("affinity", [np.full((3, 3), NAN), [[5.0]], np.diag([1.0, 2.0]) * NAN])
def test_nothing_known_is_an_error(affinity):
    with pytest.raises(ValueError, match="affinity must hold a known pair of tasks, got none"):
        fill_unknown_pairs(affinity)
