import numpy as np
import pytest
from scipy import stats

from cotrain.curves import pairwise_effects, together_effects
from cotrain.reliability import moderate_variances
from lab.domain_effects import domain_effects

HELPER, HARMER, TARGET = 0, 1, 2


@pytest.fixture
def grid() -> tuple[np.ndarray, np.ndarray]:
    """Six repeats, two levels, four tasks: one helps a target, one hurts it."""
    rng = np.random.default_rng(0)
    baseline = 0.8 + rng.normal(0, 0.05, size=(6, 2, 4))
    augmented = baseline[:, :, None, :] + rng.normal(0, 0.002, size=(6, 2, 4, 4))
    augmented[:, :, HELPER, TARGET] += 0.03
    augmented[:, :, HARMER, TARGET] -= 0.03
    return baseline, augmented


def test_planted_effects_are_found_and_no_others(grid):
    effects = pairwise_effects(*grid)
    assert effects.verdict[HELPER, TARGET] == "helps"
    assert effects.verdict[HARMER, TARGET] == "hurts"
    assert np.isin(effects.verdict, ("helps", "hurts")).sum() == 2
    # Beside the mean of the harmer's and the fourth task's: 0.03 less the mean of -0.03 and 0.
    assert effects.effect[HELPER, TARGET] == pytest.approx(0.045, abs=0.003)


def test_effects_are_beside_the_mean_of_the_other_auxiliaries(grid):
    baseline, augmented = grid
    effects = pairwise_effects(baseline, augmented)
    mean = augmented.mean(axis=(0, 1))
    for auxiliary, target in ((0, 1), (3, 2), (2, 2)):
        others = [j for j in range(4) if j not in (auxiliary, target)]
        beside = mean[auxiliary, target] - mean[others, target].mean()
        assert effects.effect[auxiliary, target] == pytest.approx(beside)
    # What all auxiliaries give alike, or the luck of the fit without one, is no pair's effect.
    shifted = pairwise_effects(baseline + 0.1, augmented + np.array([0.2, 0, -0.1, 0.05]))
    assert shifted.effect == pytest.approx(effects.effect)
    assert shifted.p_value == pytest.approx(effects.p_value)


def test_with_two_tasks_effects_are_beside_the_fit_without_an_auxiliary(grid):
    baseline, augmented = grid
    effects = pairwise_effects(baseline[..., :2], augmented[..., :2, :2])
    gains = (augmented - baseline[:, :, None])[..., :2, :2]
    assert effects.effect == pytest.approx(gains.mean(axis=(0, 1)))


def test_intervals_are_students_with_the_moderated_variance(grid):
    baseline, augmented = grid
    effects = pairwise_effects(baseline, augmented)
    off = ~np.eye(4, dtype=bool)
    given = np.where(off, augmented.mean(axis=1), np.nan)
    beside = given - (np.nansum(given, axis=1, keepdims=True) - given) / 2
    variance, degrees = moderate_variances(beside.var(axis=0, ddof=1).T, np.full((4, 4), 5))
    error, degrees = np.sqrt(variance.T / 6), degrees.T
    low, high = stats.t.interval(0.95, degrees, beside.mean(axis=0), error)
    assert effects.low[off] == pytest.approx(low[off])
    assert effects.high[off] == pytest.approx(high[off])
    p_value = 2 * stats.t.sf(np.abs(beside.mean(axis=0) / error), degrees)
    assert effects.p_value[off] == pytest.approx(p_value[off])


def test_equal_gains_in_two_repeats_are_no_certainty():
    # AUROC moves in steps: by chance some pairs gain the same in both repeats, to the last digit.
    rng = np.random.default_rng(4)
    gains = np.round(rng.normal(0, 0.002, (2, 1, 40, 40)), 3)
    equal = (gains[0] == gains[1])[0] & ~np.eye(40, dtype=bool)
    assert equal.sum() > 50
    gains[1, 0][equal] += 1e-17  # what is left of rounding
    effects = pairwise_effects(np.zeros((2, 1, 40)), gains)
    assert (effects.verdict[equal] == "undecided").all()
    assert (effects.p_value[equal] > 1e-6).all()


def test_few_repeats_decide_more_with_moderated_variances():
    rng = np.random.default_rng(2)
    gains = rng.normal(0, 0.004, (3, 1, 12, 12))
    gains[:, :, :3, 3:] += 0.02  # 0.016 beside the mean of the others
    effects = pairwise_effects(np.zeros((3, 1, 12)), gains)
    off = ~np.eye(12, dtype=bool)
    given = np.where(off, gains[:, 0], np.nan)
    beside = given - (np.nansum(given, axis=1, keepdims=True) - given) / 10
    alone = stats.ttest_1samp(beside, 0, axis=0).pvalue
    assert (effects.verdict[:3, 3:] == "helps").mean() > 0.95
    assert (effects.verdict[3:, 3:] != "helps").all()  # all are below the average auxiliary
    assert (stats.false_discovery_control(alone[off]) <= 0.05).sum() < 9


def test_null_effects_are_accused_no_more_often_than_the_rate_allows():
    rng = np.random.default_rng(1)
    accused = 0
    for _ in range(100):
        augmented = rng.normal(size=(4, 1, 5, 5))
        verdict = pairwise_effects(np.zeros((4, 1, 5)), augmented, fdr=0.1).verdict
        accused += np.isin(verdict, ("helps", "hurts")).any()
    # Under the null, the false discovery rate is the chance of any accusation: 10 of 100.
    assert accused <= 19


def test_an_unknown_score_leaves_its_repeat_out_for_the_pair_alone(grid):
    baseline, augmented = grid
    augmented[0, 1, 3, 1] = np.nan
    augmented[:, 0, 3, 0] = np.nan
    effects = pairwise_effects(baseline, augmented)
    assert effects.n_repeats[3, 1] == 5
    assert effects.n_repeats[3, 2] == 6
    assert np.isnan(effects.effect[3, 0])
    assert effects.verdict[3, 0] == "unknown"


def test_one_repeat_decides_nothing(grid):
    baseline, augmented = grid
    effects = pairwise_effects(baseline[:1], augmented[:1])
    assert np.isfinite(effects.effect).all()
    assert np.isnan(effects.p_value).all()
    off = ~np.eye(4, dtype=bool)
    assert (effects.verdict[off] == "unknown").all()
    assert (effects.verdict[~off] == "").all()


def test_domain_effects_average_over_the_other_tasks(grid):
    given, taken = domain_effects(*grid)
    effect = pairwise_effects(*grid).effect
    gain = (grid[1] - grid[0][:, :, None]).mean(axis=(0, 1))
    off = ~np.eye(4, dtype=bool)
    assert given.effect == pytest.approx([effect[j, off[j]].mean() for j in range(4)])
    assert taken.effect == pytest.approx([gain[off[:, i], i].mean() for i in range(4)])
    assert given.verdict[HELPER] == "helps"
    assert given.verdict[HARMER] == "hurts"


def test_together_effects_compare_with_training_alone(grid):
    baseline, _ = grid
    effects = together_effects(baseline, baseline + np.array([0.01, -0.01, 0.0, 0.0]))
    assert effects.effect == pytest.approx([0.01, -0.01, 0.0, 0.0])


def test_shapes_that_do_not_fit_are_refused(grid):
    baseline, augmented = grid
    with pytest.raises(ValueError, match=r"augmented \(R, L, K, K\)"):
        pairwise_effects(baseline, augmented[:, :1])
    with pytest.raises(ValueError, match="same shape"):
        together_effects(baseline, baseline[:1])


def test_repeats_to_decide_are_enough_and_not_too_many():
    rng = np.random.default_rng(5)
    gains = rng.normal(0, 0.01, (400, 1, 6, 6))
    gains[..., 0, 1] += 0.006
    few = pairwise_effects(np.zeros((6, 1, 6)), gains[:6])
    assert few.verdict[0, 1] == "undecided"
    assert np.isnan(pairwise_effects(np.zeros((400, 1, 6)), gains).repeats_to_decide[0, 1])
    # With the true size and spread, 30 pairs at 5 %: (z(0.05 / 60) + z(0.2))² (0.01 / 0.006)².
    needed = (stats.norm.isf(0.05 / 60) + stats.norm.isf(0.2)) ** 2 * (0.01 / 0.006) ** 2
    scale = (few.effect[0, 1] / 0.006) ** 2
    assert few.repeats_to_decide[0, 1] * scale == pytest.approx(needed, rel=0.5)
    n = int(np.ceil(needed))
    found = []
    for _ in range(30):
        effects = pairwise_effects(np.zeros((n, 1, 6)), gains[rng.choice(400, n, replace=False)])
        found.append(effects.verdict[0, 1] == "helps")
    assert 0.55 < np.mean(found) <= 1.0
