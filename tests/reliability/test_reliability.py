import numpy as np
import pytest
from scipy import stats

from cotrain.reliability import holm, paired_interval, spearman_brown, split_half_reliability


def test_t_interval_is_scipys():
    values = np.random.default_rng(0).normal(0.4, 1, (9, 2, 3))
    result = paired_interval(values)
    test = stats.ttest_1samp(values, 0, axis=0)
    ends = test.confidence_interval(0.95)
    np.testing.assert_allclose(result.estimate, values.mean(axis=0))
    np.testing.assert_allclose(result.p_value, test.pvalue)
    np.testing.assert_allclose(result.low, ends.low)
    np.testing.assert_allclose(result.high, ends.high)
    assert (result.n == 9).all()


def test_missing_repeats_count_for_nothing():
    values = np.random.default_rng(2).normal(size=(6, 2))
    gaps = np.vstack([values, [[np.nan, 1.0]]])
    result = paired_interval(gaps)
    assert result.n.tolist() == [6, 7]
    assert result.low[0] == pytest.approx(paired_interval(values).low[0])


def test_one_repeat_has_an_estimate_and_no_interval():
    result = paired_interval([[0.3, np.nan]])
    assert result.estimate[0] == 0.3
    assert np.isnan([result.low[0], result.high[0], result.p_value[0], result.estimate[1]]).all()


def test_no_spread_is_certain():
    assert paired_interval([0.2, 0.2, 0.2]).p_value == 0
    assert paired_interval([0.0, 0.0]).p_value == 1


@pytest.mark.parametrize(
    ("values", "match"), [([], "at least one repeat"), ([np.inf, 1], "must be finite")]
)
def test_bad_intervals(values, match):
    with pytest.raises(ValueError, match=match):
        paired_interval(values)


def test_holm_is_the_textbook_example():
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])
    assert np.isnan(holm([0.5, np.nan])[1])
    assert holm([0.5, np.nan])[0] == 0.5


def test_few_units_some_of_them_unknown_are_no_trouble():
    """Units drawn anew may all be unknown ones: that draw tells nothing."""
    scores = np.random.default_rng(0).normal(size=(4, 4, 4)) + np.arange(4.0)[:, None]
    scores[:, np.arange(4), np.arange(4)] = np.nan
    result = split_half_reliability(scores)
    assert result.low <= result.mean <= result.high


@pytest.mark.parametrize("n_repeats", [2, 3, 5, 8])
def test_reliability_is_the_one_built_in(n_repeats):
    rng = np.random.default_rng(n_repeats)
    truth = rng.normal(size=(2000, 4))
    scores = truth + rng.normal(size=(n_repeats, 2000, 4)) + rng.normal(size=(n_repeats, 1, 4))
    result = split_half_reliability(scores, n_bootstrap=50)
    expected = n_repeats / (n_repeats + 1)
    # Spearman's is a little below Pearson's for normal scores, (6 / pi) arcsin(r / 2).
    assert result.mean == pytest.approx(expected, abs=0.03)
    assert result.low < result.mean < result.high
    assert result.high - result.low < 0.06


def test_reliability_foretells_more_repeats():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(1500, 3))
    scores = truth + rng.normal(0, 1.5, size=(10, 1500, 3))
    foretold = split_half_reliability(scores[:2], n_repeats=10, n_bootstrap=20)
    measured = split_half_reliability(scores, n_bootstrap=20)
    assert foretold.mean == pytest.approx(measured.mean, abs=0.03)
    assert foretold.n_repeats == 10


def test_reliability_of_two_repeats_is_their_spearman():
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(2, 40, 1)) + rng.normal(size=(40, 1))
    r = stats.spearmanr(scores[0, :, 0], scores[1, :, 0]).statistic
    assert split_half_reliability(scores, n_repeats=1).mean == pytest.approx(r)
    assert split_half_reliability(scores).mean == pytest.approx(2 * r / (1 + r))


def test_noise_has_no_reliability():
    scores = np.random.default_rng(4).normal(size=(4, 200, 10))
    result = split_half_reliability(scores)
    assert abs(result.mean) < 0.15
    assert result.low < 0.05


def test_units_with_a_missing_repeat_do_not_count():
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(30, 2)) + rng.normal(size=(4, 30, 2))
    scores[0, 10:, 1] = np.nan
    result = split_half_reliability(scores)
    alone = split_half_reliability(scores[:, :10, 1:])
    assert result.per_target[1] == pytest.approx(alone.per_target[0])
    scores[:, :, 1] = 1.0
    assert np.isnan(split_half_reliability(scores).per_target[1])


def test_spearman_brown():
    np.testing.assert_allclose(spearman_brown([0.5, -0.2, 0.0, 1.0], 2), [2 / 3, -0.2, 0.0, 1.0])


@pytest.mark.parametrize(
    ("shape", "option", "match"),
    [
        ((1, 5, 2), {}, "at least 2 repeats"),
        ((4, 5), {}, "at least 2 repeats"),
        ((2, 5, 2), {"n_repeats": 0}, "n_repeats must be"),
    ],
)
def test_bad_reliability(shape, option, match):
    with pytest.raises(ValueError, match=match):
        split_half_reliability(np.zeros(shape), **option)
