import numpy as np
import pytest

from cotrain.curves import EXP31, curve_bands, fit_curves

LEVELS, N_REPEATS = np.array([50.0, 100.0, 200.0, 400.0]), 6
COUNTS = np.tile(LEVELS, N_REPEATS)
REPEATS = np.repeat(np.arange(N_REPEATS), len(LEVELS))
TRUTH = 0.85 - np.exp(-1.0 - 0.006 * COUNTS)


def noisy(n_curves: int, seed: int = 0) -> np.ndarray:
    """Scores whose noise is mostly what a repeat shares, (n_curves, n)."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.01, (n_curves, N_REPEATS))[:, REPEATS]
    return TRUTH + shared + rng.normal(0, 0.004, (n_curves, len(COUNTS)))


def bands(scores: np.ndarray) -> np.ndarray:
    counts = np.broadcast_to(COUNTS[None, :, None], (*scores.shape, 1))
    return curve_bands(fit_curves(counts, scores, EXP31), counts, scores, REPEATS)


def test_bands_hold_the_true_curve_as_often_as_they_say():
    found = bands(noisy(300))
    held = (found[..., 0] <= TRUTH) & (found[..., 1] >= TRUTH)
    assert 0.91 < held.mean() < 0.98


def test_noise_that_repeats_share_widens_the_band():
    rng = np.random.default_rng(1)
    independent = TRUTH + rng.normal(0, np.hypot(0.01, 0.004), (100, len(COUNTS)))
    assert (
        np.ptp(bands(noisy(100)), axis=2).mean() > 1.08 * np.ptp(bands(independent), axis=2).mean()
    )


def test_one_score_a_curve_more_or_less_counts_for_nothing_where_it_is_unknown():
    scores = noisy(2)
    scores[1, 3] = np.nan
    found = bands(scores)
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(bands(scores[:1])[0])


def test_a_curve_without_estimate_or_repeats_has_no_band():
    scores = noisy(2)
    scores[0, 2:] = np.nan
    scores[1, REPEATS > 0] = np.nan
    assert np.isnan(bands(scores)).all()
