import numpy as np
import pytest

from cotrain.curves import EXP31, fit_curves
from lab.curve_shapes import EXP33, get_form
from lab.learning_curve import LearningCurve


def noisy_pairs(n_curves: int) -> tuple[np.ndarray, np.ndarray]:
    """EXP3.3 counts and scores of pairs with different discounts."""
    rng = np.random.default_rng(0)
    levels = np.tile([100.0, 200.0, 300.0], 6)
    own = levels * rng.uniform(0.5, 2, (n_curves, 1))
    auxiliary = np.where(np.arange(18) < 6, 0.0, rng.integers(50, 400, (n_curves, 18)))
    others = np.where(np.arange(18) < 6, 0.0, rng.integers(500, 3000, (n_curves, 18)))
    counts = np.stack([own, auxiliary, others], axis=2)
    discounts = rng.normal([0.004, 0.0, 0.0001], [0.001, 0.0005, 0.00005], (n_curves, 3))
    scores = 0.88 - np.exp(-1.2 - np.einsum("cnp,cp->cn", counts, discounts))
    return counts, scores + rng.normal(0, 0.005, scores.shape)


def test_many_curves_agree_with_scipy_one_by_one():
    counts, scores = noisy_pairs(3)
    fits = fit_curves(counts, scores, EXP33)
    assert fits.converged.all()
    for number in range(3):
        curve = LearningCurve("exp3.3", random_state=1)
        curve.fit(counts[number], scores[number])
        assert fits.loss[number] == pytest.approx(curve.l2_error_**2, rel=1e-6)
        for name, value in curve.parameters_.items():
            assert fits.parameters[name][number] == pytest.approx(value, rel=1e-2, abs=1e-6)
            assert fits.at_bound[name][number] == (name in curve.at_bound_)


@pytest.mark.parametrize("form", ["exp3.1", "exp4", "ilog2", "power"])
def test_single_column_forms_agree_with_scipy(form):
    rng = np.random.default_rng(0)
    n = np.array([30.0, 60.0, 120.0, 240.0, 480.0, 960.0])
    scores = 0.9 - np.exp(-1.0 - 0.05 * n**0.6) + rng.normal(0, 0.003, (4, 6))
    fits = fit_curves(
        np.broadcast_to(n[None, :, None], (4, 6, 1)), scores, get_form(form), n_starts=8
    )
    for number in range(2):
        curve = LearningCurve(form, random_state=1, n_starts=8).fit(n[:, None], scores[number])
        assert fits.loss[number] == pytest.approx(curve.l2_error_**2, rel=1e-4)


def test_unknown_scores_count_for_nothing():
    counts, scores = noisy_pairs(3)
    padded = np.concatenate([scores, np.full((3, 5), np.nan)], axis=1)
    longer = np.concatenate([counts, np.zeros((3, 5, 3))], axis=1)
    few, many = (fit_curves(x, y, EXP33) for x, y in ((counts, scores), (longer, padded)))
    for name in few.parameters:
        assert many.parameters[name] == pytest.approx(few.parameters[name], rel=1e-6)


def test_curves_that_cannot_be_fitted_are_missing_with_the_reason():
    counts, scores = noisy_pairs(3)
    scores[0, 3:] = np.nan
    counts[1, :, 1] = 50.0
    fits = fit_curves(counts, scores, EXP33, names=["a", "b", "c"])
    assert "a: 3 different counts with a score, exp3.3 needs 5" in fits.reasons
    assert fits.reasons[1] == "b: the count of auxiliary never changes"
    assert fits.reasons[2] == ""
    assert np.isnan(fits.parameters["c"][:2]).all()
    assert np.isfinite(fits.parameters["c"][2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x, np.where(y > 0.8, 1.3, y)), "ceiling 1 for exp3.3, not so for curve 0"),
        (lambda x, y: (-x, y), "at least 0 for exp3.3"),
        (lambda x, y: (x[:, :2], y), "shape of scores and 3 columns"),
        (lambda x, y: (x, np.where(y > 0.8, np.inf, y)), "infinity for exp3.3, not so for curve 0"),
    ],
)
def test_wrong_batches_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fit_curves(*change(*noisy_pairs(2)), EXP33)


def test_falling_curves_and_curves_without_end_say_that_they_hit_a_bound():
    n = np.tile([50.0, 100.0, 200.0, 400.0], 3)
    falling, rising = 0.8 - 0.0005 * n, 0.3 + 0.0017 * n
    fits = fit_curves(
        np.broadcast_to(n[None, :, None], (2, 12, 1)), np.stack([falling, rising]), EXP31
    )
    assert fits.at_bound["a_own"][0] or fits.at_bound["b"][0]
    assert fits.at_bound["c"][1]
    assert np.isfinite(fits.predict(n[None, :, None])).all()
