import numpy as np
import pytest
from scipy import stats

from cotrain.curves import domain_effects, pairwise_effects, together_effects

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
    assert (effects.verdict != "undecided").sum() == 2
    assert effects.effect[HELPER, TARGET] == pytest.approx(0.03, abs=0.003)


def test_p_values_and_intervals_are_those_of_the_paired_t_test(grid):
    baseline, augmented = grid
    effects = pairwise_effects(baseline, augmented, level=0.9)
    test = stats.ttest_rel(augmented[:, :, 3, 1].mean(axis=1), baseline[:, :, 1].mean(axis=1))
    interval = test.confidence_interval(0.9)
    assert effects.p_value[3, 1] == pytest.approx(test.pvalue)
    assert (effects.low[3, 1], effects.high[3, 1]) == pytest.approx((interval.low, interval.high))


def test_null_effects_are_accused_no_more_often_than_the_rate_allows():
    rng = np.random.default_rng(1)
    accused = 0
    for _ in range(200):
        augmented = rng.normal(size=(4, 1, 5, 5))
        accused += (pairwise_effects(np.zeros((4, 1, 5)), augmented, fdr=0.1).verdict
                    != "undecided").any()  # fmt: skip
    # Under the null, the false discovery rate is the chance of any accusation: 20 of 200.
    assert accused <= 32


def test_an_unknown_score_leaves_its_repeat_out_for_the_pair_alone(grid):
    baseline, augmented = grid
    augmented[0, 1, 3, 1] = np.nan
    augmented[:, 0, 3, 0] = np.nan
    effects = pairwise_effects(baseline, augmented)
    assert effects.n_repeats[3, 1] == 5
    assert effects.n_repeats[3, 2] == 6
    assert np.isnan(effects.effect[3, 0])
    assert effects.verdict[3, 0] == "undecided"
    assert np.isfinite(effects.by_level[1, 3, 0])


def test_one_repeat_decides_nothing(grid):
    baseline, augmented = grid
    effects = pairwise_effects(baseline[:1], augmented[:1])
    assert np.isfinite(effects.effect).all()
    assert np.isnan(effects.p_value).all()
    assert (effects.verdict == "undecided").all()


def test_domain_effects_average_over_the_other_tasks(grid):
    given, taken = domain_effects(*grid)
    effect = pairwise_effects(*grid).effect
    off = ~np.eye(4, dtype=bool)
    assert given.effect == pytest.approx([effect[j, off[j]].mean() for j in range(4)])
    assert taken.effect == pytest.approx([effect[off[:, i], i].mean() for i in range(4)])
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
