"""Two tasks: the effect of each on the other is a paired difference."""

import numpy as np
from scipy import stats

from cotrain.analysis._subsets import direct_relevance


def test_it_is_a_paired_t_test_over_repeats():
    gain = np.random.default_rng(0).normal([0.5, 0.0], 0.1, (6, 2))
    found = direct_relevance(gain, 0.05)
    test = stats.ttest_1samp(gain, 0)
    low, high = test.confidence_interval(0.95)
    np.testing.assert_allclose([found.estimate[0, 1], found.estimate[1, 0]], gain.mean(axis=0))
    np.testing.assert_allclose([found.p_value[0, 1], found.p_value[1, 0]], test.pvalue)
    np.testing.assert_allclose([found.low[0, 1], found.low[1, 0]], low)
    np.testing.assert_allclose([found.high[0, 1], found.high[1, 0]], high)
    assert found.verdict[0, 1] == "helps"
    assert found.verdict[0, 0] == ""


def test_no_effect_at_all_is_undecided_and_one_repeat_tells_nothing():
    none = direct_relevance(np.zeros((3, 4)), 0.05)
    apart = ~np.eye(4, dtype=bool)
    assert (none.estimate[apart] == 0).all()
    assert (none.p_value[apart] == 1).all()
    assert (none.verdict[apart] == "undecided").all()
    once = direct_relevance(np.array([[0.5, 0.1]]), 0.05)
    assert np.isnan(once.p_value[0, 1])
    assert once.verdict[0, 1] == "undecided"
    alike = direct_relevance(np.full((3, 2), 0.5), 0.05)
    assert alike.verdict[0, 1] == "undecided"
