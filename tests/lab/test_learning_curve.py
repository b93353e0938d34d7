import numpy as np
import pytest
from sklearn.base import clone

from lab.learning_curve import LearningCurve

LEVELS = np.array([50.0, 100.0, 200.0, 400.0, 800.0])
TRUTH = {"c": 0.88, "b": -1.2, "a_own": 0.004, "a_auxiliary": -0.0008, "a_others": 0.0001}


def pair_counts(seed: int = 0) -> np.ndarray:
    """Counts (own, auxiliary, others) of single-task fits and of fits with both varied."""
    rng = np.random.default_rng(seed)
    own = np.tile([100.0, 200.0, 300.0, 400.0], 9)
    auxiliary = np.r_[np.zeros(12), rng.integers(50, 400, 24)]
    others = np.r_[np.zeros(12), rng.integers(500, 3000, 24)]
    return np.stack([own, auxiliary, others], axis=1)


def exp33(counts: np.ndarray) -> np.ndarray:
    c, b, *a = TRUTH.values()
    return c - np.exp(b - counts @ np.array(a))


@pytest.mark.parametrize("stages", ["paper", "joint"])
def test_exp33_finds_the_parameters_behind_scores_without_noise(stages):
    counts = pair_counts()
    # The staged fit is exact only where each stage's form is the whole truth, so the domain-wide
    # discount is made the same for the auxiliary.
    truth = dict(TRUTH)
    if stages == "paper":
        truth["a_auxiliary"] = truth["a_others"]
    c, b, *a = truth.values()
    curve = LearningCurve("exp3.3", stages=stages, random_state=0)
    curve.fit(counts, c - np.exp(b - counts @ np.array(a)))
    assert curve.parameters_ == pytest.approx(truth, rel=1e-4)
    assert curve.at_bound_ == ()
    assert curve.converged_


def test_paper_stages_freeze_what_earlier_stages_found():
    counts = pair_counts()
    scores = exp33(counts) + np.random.default_rng(0).normal(0, 0.005, len(counts))
    alone = counts[:, 1:].sum(axis=1) == 0
    first = LearningCurve("exp3.1", random_state=0).fit(counts[alone, :1], scores[alone])
    merged = np.stack([counts[:, 0], counts[:, 1] + counts[:, 2]], axis=1)
    paper = {"stages": "paper", "random_state": 0}
    second = LearningCurve("exp3.2", **paper).fit(merged, scores)
    third = LearningCurve("exp3.3", **paper).fit(counts, scores)
    for name in ("b", "a_own"):
        assert second.parameters_[name] == pytest.approx(first.parameters_[name], rel=1e-5)
        assert third.parameters_[name] == pytest.approx(first.parameters_[name], rel=1e-5)
    assert third.parameters_["c"] == pytest.approx(second.parameters_["c"], rel=1e-5)
    assert third.parameters_["a_others"] == pytest.approx(second.parameters_["a_others"], rel=1e-4)
    assert third.l2_error_ < second.l2_error_


@pytest.mark.parametrize(
    ("form", "truth", "score"),
    [
        ("exp4", {"c": 0.9, "b": -0.5, "a": 0.02, "alpha": 0.7},
         lambda n: 0.9 - np.exp(-0.5 - 0.02 * n**0.7)),
        ("ilog2", {"c": 0.95, "a": 0.8}, lambda n: 0.95 - 0.8 / np.log(n)),
        ("power", {"c": 0.9, "a": 1.5, "alpha": 0.6}, lambda n: 0.9 - 1.5 * n**-0.6),
    ],
)  # fmt: skip
def test_single_column_forms_find_their_parameters(form, truth, score):
    curve = LearningCurve(form, random_state=0).fit(LEVELS[:, None], score(LEVELS))
    assert curve.parameters_ == pytest.approx(truth, rel=1e-3)
    more = np.array([[1600.0]])
    assert curve.predict(more) == pytest.approx(score(more[:, 0]), abs=1e-5)


def test_a_decreasing_curve_is_flat_and_says_that_it_hit_a_bound():
    curve = LearningCurve("exp3.1", random_state=0).fit(LEVELS[:, None], 0.9 - 1e-4 * LEVELS)
    assert curve.at_bound_
    assert np.ptp(curve.predict(LEVELS[:, None])) < 1e-3


def test_scores_still_rising_hit_the_ceiling_and_say_so():
    curve = LearningCurve("exp3.1", random_state=0).fit(LEVELS[:, None], 0.2 + 0.0009 * LEVELS)
    assert "c" in curve.at_bound_
    assert curve.parameters_["c"] == pytest.approx(1.0, abs=1e-5)


def test_the_ceiling_is_the_upper_bound_of_c():
    curve = LearningCurve("exp3.1", bounds={"c": (-5.0, 0.0)}, random_state=0)
    scores = -0.3 - np.exp(-0.5 - 0.004 * LEVELS)
    assert curve.fit(LEVELS[:, None], scores).parameters_["c"] == pytest.approx(-0.3, abs=1e-4)


def test_the_same_seed_gives_the_same_bits():
    counts = pair_counts()
    scores = exp33(counts) + np.random.default_rng(1).normal(0, 0.01, len(counts))
    curves = [LearningCurve("exp3.3", random_state=7).fit(counts, scores) for _ in range(2)]
    assert curves[0].parameters_ == curves[1].parameters_
    assert curves[0].interval() == curves[1].interval()
    assert clone(curves[0]).get_params() == curves[0].get_params()


def test_intervals_of_repeats_are_wider_than_those_of_independent_scores():
    n = np.tile(LEVELS, 4)[:, None]
    repeats = np.repeat(np.arange(4), len(LEVELS))
    offsets = np.array([0.02, -0.015, 0.01, -0.02])
    scores = 0.85 - np.exp(-1.2 - 0.004 * n[:, 0]) + offsets[repeats]
    curve = LearningCurve("exp3.1", random_state=0)
    alone = curve.fit(n, scores).predict_interval(np.array([[800.0]]))
    shared = curve.fit(n, scores, repeats=repeats).predict_interval(np.array([[800.0]]))
    assert np.ptp(shared) > 1.5 * np.ptp(alone)
    assert shared[0, 0] < curve.predict(np.array([[800.0]]))[0] < shared[0, 1] <= 1.0


def test_a_wider_level_gives_a_wider_interval():
    scores = 0.85 - np.exp(-1.2 - 0.004 * LEVELS)
    scores += np.random.default_rng(0).normal(0, 0.01, LEVELS.size)
    curve = LearningCurve("exp3.1", random_state=0).fit(LEVELS[:, None], scores)
    narrow, wide = curve.interval(0.5)["c"], curve.interval(0.95)["c"]
    assert wide[0] < narrow[0] < curve.parameters_["c"] < narrow[1] < wide[1]


@pytest.mark.parametrize(
    ("form", "X", "y", "message"),
    [
        ("exp3.1", [[1.0], [2.0]], [0.5, 0.6], "at least 3 rows"),
        ("exp3.1", [[9.0]] * 5, [0.5] * 5, r"different counts in column 0 \(own\)"),
        ("exp3.1", [[1.0], [2.0]] * 3, [0.5] * 6, "at least 3 different rows"),
        ("exp3.2", [[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]], [0.5] * 4, "column 1"),
        ("exp3.1", [[1.0], [2.0], [3.0]], [0.5, np.nan, 0.6], "got nan in row 1"),
        ("exp3.1", [[1.0], [2.0], [3.0]], [0.5, 0.6, 1.2], "ceiling 1, got 1.2 in row 2"),
        ("exp3.1", [[1.0], [-2.0], [3.0]], [0.5, 0.6, 0.7], "got -2 in row 1"),
        ("power", [[1.0], [0.0], [3.0]], [0.5, 0.6, 0.7], "at least 1 for power"),
        ("ilog2", [[1.0], [2.0], [3.0]], [0.5, 0.6, 0.7], "at least 2 for ilog2"),
        ("exp3.3", [[1.0], [2.0], [3.0]], [0.5, 0.6, 0.7], r"shape \(n, 3\)"),
        ("exp5", [[1.0], [2.0], [3.0]], [0.5, 0.6, 0.7], "form must be one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_refused(form, X, y, message):
    with pytest.raises(ValueError, match=message):
        LearningCurve(form).fit(np.array(X), np.array(y))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"stages": (("c", "b"),)}, "none for 'a_own'"),
        ({"stages": (("c", "b", "a_own", "speed"),)}, "got 'speed'"),
        ({"stages": "quick"}, '"paper", "joint"'),
        ({"bounds": {"d": (0, 1)}}, "got 'd'"),
        ({"bounds": {"c": (1, 0)}}, "low < high"),
        ({"n_starts": 0}, "n_starts must be at least 1"),
    ],
)
def test_wrong_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        LearningCurve(**parameters).fit(LEVELS[:, None], LEVELS / 1000)


def test_forms_are_named_in_any_case():
    X = np.array([[10.0], [20.0], [40.0], [80.0], [160.0]])
    scores = 0.9 - np.exp(-1.0 - 0.02 * X[:, 0])
    upper, lower = (
        LearningCurve(form, random_state=0).fit(X, scores).predict(X)
        for form in ("EXP3.1", "exp3.1")
    )
    np.testing.assert_array_equal(upper, lower)
