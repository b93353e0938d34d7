import numpy as np
import pytest
from scipy import stats

from cotrain.reliability import repeats_to_decide, t_test_power
from lab.bootstrap import cluster_bootstrap
from lab.control import control_variate


def test_power_is_the_textbook_value():
    # 34 pairs for half a standard deviation at 80 % power: any table of sample sizes.
    assert repeats_to_decide(0.5, 1.0) == 34
    assert repeats_to_decide(-1.0, 2.0) == 34
    assert t_test_power(0.5, 34) >= 0.8 > t_test_power(0.5, 33)


def test_power_is_what_simulated_tests_reach():
    rng = np.random.default_rng(0)
    values = rng.normal(0.8, 1.0, (10, 4000))
    rejected = np.mean(stats.ttest_1samp(values, 0).pvalue < 0.05)
    assert t_test_power(0.8, 10) == pytest.approx(rejected, abs=0.03)


def test_repeats_at_the_edges():
    result = repeats_to_decide([0.0, 1e-6, 100.0, np.nan, 1.0], [1.0, 1.0, 0.1, 1.0, 0.0])
    assert result[:2].tolist() == [np.inf, np.inf]
    assert result[2] == 2
    assert np.isnan(result[3])
    assert result[4] == 2


def test_control_takes_the_shared_noise_out():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(20, 500))
    values = 3.0 + 2.0 * shared + 0.1 * rng.normal(size=(20, 500))
    result = control_variate(values, shared, 0.0)
    np.testing.assert_allclose(result.coefficient, 2.0, atol=0.15)
    assert np.std(result.estimate) < 0.1 * np.std(values.mean(axis=0))
    assert result.estimate.mean() == pytest.approx(3.0, abs=0.01)
    assert np.max(result.variance_ratio) < 0.02


def test_an_unrelated_control_costs_little():
    rng = np.random.default_rng(2)
    values, control = rng.normal(size=(2, 20, 2000))
    result = control_variate(values, control, 0.0)
    assert np.var(result.estimate) < 1.2 * np.var(values.mean(axis=0))
    assert result.variance_ratio.mean() == pytest.approx(1.0, abs=0.05)


def test_a_constant_control_changes_nothing():
    values = np.random.default_rng(3).normal(size=(5, 2))
    np.testing.assert_allclose(
        control_variate(values, np.ones((5, 1)), 7.0).estimate, values.mean(axis=0)
    )
    with pytest.raises(ValueError, match="at least 3"):
        control_variate(values[:2], values[:2], 0.0)


def test_clusters_are_drawn_whole():
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(50), 4)
    values = np.repeat(rng.normal(size=50), 4)  # four copies of each are no more than one
    draws = cluster_bootstrap(lambda rows: values[rows].mean(), clusters, n_bootstrap=400)
    assert draws.std() == pytest.approx(values.std() / np.sqrt(50), rel=0.15)
    with pytest.raises(ValueError, match="at least 2 labels"):
        cluster_bootstrap(len, np.zeros(4))
