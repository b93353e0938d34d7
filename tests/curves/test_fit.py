import numpy as np
import pytest

from cotrain.curves import EXP31, EXP33, fit_curves, fit_pairwise_curves
from lab.curve_shapes import get_form, standard_errors
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


def test_standard_errors_match_the_spread_of_refits():
    rng = np.random.default_rng(3)
    n = np.tile([50.0, 100.0, 200.0, 400.0, 800.0], 6)
    counts = np.broadcast_to(n[None, :, None], (300, 30, 1))
    scores = 0.85 - np.exp(-1.0 - 0.006 * n) + rng.normal(0, 0.005, (300, 30))
    fits = fit_curves(counts, scores, EXP31, n_starts=1)
    errors = standard_errors(fits, counts, scores)
    for name in ("c", "b", "a_own"):
        typical = np.median(errors[name])
        assert typical == pytest.approx(fits.parameters[name].std(), rel=0.15)


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


def stattag(n_repeats: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Counts, scores, auxiliaries of a statTAG grid of four tasks, and their true discounts."""
    rng = np.random.default_rng(0)
    fold = rng.integers(80, 150, size=(n_repeats, 4, 4)).astype(float)
    discounts = np.full((4, 4), 0.0002) + np.diag(np.full(4, 0.003))
    discounts[0, 1], discounts[2, 3] = 0.002, -0.001
    counts, scores, auxiliaries = [], [], []
    for repeat in range(n_repeats):
        for level in (1, 2, 3):
            base = fold[repeat, :level].sum(axis=0)
            for task in range(4):
                alone = np.where(np.arange(4) == task, base, 0.0)
                value = 0.9 - np.exp(-1.0 - discounts @ alone)
                counts.append(alone)
                scores.append(np.where(np.arange(4) == task, value, np.nan))
                auxiliaries.append(-1)
            for auxiliary in (-1, 0, 1, 2, 3):
                more = base.copy()
                if auxiliary >= 0:
                    more[auxiliary] += fold[repeat, level, auxiliary]
                counts.append(more)
                scores.append(0.9 - np.exp(-1.0 - discounts @ more))
                auxiliaries.append(auxiliary)
    return np.array(counts), np.array(scores), np.array(auxiliaries), discounts


def test_pairwise_curves_are_the_single_ones_and_recover_the_planted_rates():
    counts, scores, auxiliary, discounts = stattag()
    pairs = fit_pairwise_curves(counts, scores, auxiliary)
    found = pairs.exchange_rate("a_auxiliary").reshape(4, 4)
    rates = discounts / np.diag(discounts)[:, None]
    assert found[0, 1] == pytest.approx(rates[0, 1], rel=0.1)
    assert found[2, 3] == pytest.approx(rates[2, 3], rel=0.15)
    assert np.isnan(np.diag(found)).all()
    assert np.isfinite(found[~np.eye(4, dtype=bool)]).all()

    rows = np.flatnonzero(np.isfinite(scores[:, 0]) & np.isin(auxiliary, (-1, 1)))
    own, other = counts[rows, 0], counts[rows, 1]
    columns = np.stack([own, other, counts[rows].sum(axis=1) - own - other], axis=1)
    curve = LearningCurve("exp3.3", random_state=0).fit(columns, scores[rows, 0])
    assert pairs.parameters["a_auxiliary"][1] == pytest.approx(
        curve.parameters_["a_auxiliary"], rel=1e-3
    )


def test_pairwise_curves_refuse_shapes_that_do_not_fit():
    counts, scores, auxiliary, _ = stattag()
    with pytest.raises(ValueError, match="auxiliary"):
        fit_pairwise_curves(counts, scores, auxiliary[1:])


def test_pairs_that_cannot_be_fitted_name_the_pair():
    N, Y, auxiliary, _ = stattag()
    Y[:, 3] = np.nan
    curves = fit_pairwise_curves(N, Y, auxiliary, tasks=["a", "b", "c", "d"])
    assert np.isnan(curves.exchange_rate("a_auxiliary")[12:]).all()
    assert "d beside a: 0 different counts with a score, exp3.3 needs 5" in curves.reasons
    level = np.arange(len(N)) < 9  # one level, one repeat
    few = fit_pairwise_curves(N[level], Y[level], auxiliary[level], tasks=["a", "b", "c", "d"])
    assert np.isnan(few.exchange_rate("a_auxiliary")[1])
    assert few.reasons[1].startswith("a beside b: ")
    with pytest.raises(ValueError, match="ceiling 1 for exp3.3, not so for a beside b"):
        fit_pairwise_curves(N, np.where(Y > 0, Y + 0.5, Y), auxiliary, tasks=["a", "b", "c", "d"])


def test_falling_curves_and_curves_without_end_say_that_they_hit_a_bound():
    n = np.tile([50.0, 100.0, 200.0, 400.0], 3)
    falling, rising = 0.8 - 0.0005 * n, 0.3 + 0.0017 * n
    fits = fit_curves(
        np.broadcast_to(n[None, :, None], (2, 12, 1)), np.stack([falling, rising]), EXP31
    )
    assert fits.at_bound["a_own"][0] or fits.at_bound["b"][0]
    assert fits.at_bound["c"][1]
    assert np.isfinite(fits.predict(n[None, :, None])).all()
