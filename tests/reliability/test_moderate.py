import numpy as np
import pytest

from cotrain.reliability import moderate_variances


def test_moderated_variances_lie_between_their_own_and_the_common_one():
    rng = np.random.default_rng(0)
    truth = 4.0 * 10 / rng.chisquare(10, 5000)  # prior degrees 10, prior variance 4
    variance = truth * rng.chisquare(2, 5000) / 2
    steadied, degrees = moderate_variances(variance, np.full(5000, 2))
    # On the safe side: the spread that chance leaves is taken one standard error larger.
    assert 8 < degrees.min() <= degrees.max() < 13
    prior = (steadied * degrees - 2 * variance) / (degrees - 2)
    assert prior == pytest.approx(4.0, rel=0.1)
    assert np.mean((np.log(steadied / truth)) ** 2) < 0.2 * np.mean(np.log(variance / truth) ** 2)


def test_variances_that_differ_by_chance_alone_become_one():
    rng = np.random.default_rng(1)
    steadied, degrees = moderate_variances(rng.chisquare(4, 400) / 4, np.full(400, 4))
    assert np.std(steadied) < 0.1
    assert degrees.min() > 30


def test_variances_that_differ_between_targets_alone_are_drawn_to_their_targets():
    rng = np.random.default_rng(2)
    truth = np.exp(rng.normal(0, 1.5, (40, 1))) * np.ones((40, 30))
    variance = truth * rng.chisquare(2, truth.shape) / 2
    steadied, degrees = moderate_variances(variance, np.full(truth.shape, 2))
    assert np.abs(np.log(steadied / truth)).mean() < 0.3
    assert degrees.min() > 6
    together, _ = moderate_variances(variance.ravel(), np.full(truth.size, 2))
    assert np.abs(np.log(together / truth.ravel())).mean() > 0.6


def test_a_target_without_variances_leaves_the_others_alone():
    rng = np.random.default_rng(3)
    variance = rng.chisquare(3, (6, 10)) / 3
    gone = np.vstack([variance, np.full((1, 10), np.nan)])
    steadied, degrees = moderate_variances(gone, np.full(gone.shape, 3))
    alone, _ = moderate_variances(variance, np.full(variance.shape, 3))
    np.testing.assert_allclose(steadied[:6], alone, rtol=1e-3)
    assert np.isnan(steadied[6]).all()
    assert (degrees[6] == 3).all()


def test_too_few_variances_stay_as_they_are():
    steadied, degrees = moderate_variances([1.0, 4.0], [2, 2])
    assert steadied.tolist() == [1.0, 4.0]
    assert degrees.tolist() == [2.0, 2.0]
