import numpy as np
import pytest
from scipy import stats

from cotrain.reliability import benjamini_hochberg, verdicts


def test_verdicts_follow_benjamini_and_hochberg():
    effect = np.array([1.0, -1.0, 1.0, 1.0, np.nan])
    p_value = np.array([0.01, 0.02, 0.04, 0.8, np.nan])
    # thresholds at 0.05: 0.0125, 0.025, 0.0375, 0.05
    expected = ["helps", "hurts", "undecided", "undecided", "unknown"]
    assert verdicts(effect, p_value, 0.05).tolist() == expected


def test_an_effect_of_nothing_is_never_decided():
    assert verdicts(np.zeros(2), np.array([0.0, 1.0]), 0.05).tolist() == ["undecided"] * 2


def test_nothing_known_is_all_unknown():
    unknown = np.full((2, 2), np.nan)
    assert (verdicts(unknown, unknown, 0.05) == "unknown").all()


@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_adjusted_p_values_are_scipys_to_the_bit(n):
    rng = np.random.default_rng(n)
    p_values = np.concatenate([rng.random(n), rng.random(n).round(1), rng.random(n) ** 4])
    found = benjamini_hochberg(p_values)
    np.testing.assert_array_equal(found, stats.false_discovery_control(p_values))
