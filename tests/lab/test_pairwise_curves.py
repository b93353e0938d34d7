import numpy as np
import pytest

from lab.learning_curve import LearningCurve
from lab.pairwise_curves import fit_pairwise_curves


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
