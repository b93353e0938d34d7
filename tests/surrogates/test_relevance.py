import numpy as np
import pytest

from cotrain.surrogates import (
    DesignWarning,
    LinearSurrogate,
    fit_surrogates,
    paired_effects,
    relevance,
)

N_TASKS = 8


def study(n=80, noise=0.3, repeats=3, seed=0):
    """Scores with known effects: X, Y (n_repeats, n, K) with gaps, effects (target, source)."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n, N_TASKS)) < 0.5).astype(float)
    X = X[X.sum(axis=1) > 1]
    X = np.unique(X, axis=0)
    effects = rng.choice([-1.0, 0.0, 1.0], (N_TASKS, N_TASKS))
    np.fill_diagonal(effects, 0)
    level = rng.normal(0, 5, (repeats, 1, N_TASKS))
    Y = level + X @ effects.T + rng.normal(0, noise, (repeats, len(X), N_TASKS))
    return X, np.where(X == 1, Y, np.nan), effects


def off_diagonal(matrix):
    return matrix[~np.eye(N_TASKS, dtype=bool)]


def test_verdicts_are_those_of_the_truth():
    X, Y, effects = study(n=200)
    result = relevance(X, Y)
    np.testing.assert_array_equal(result.verdict[effects > 0], "helps")
    np.testing.assert_array_equal(result.verdict[effects < 0], "hurts")
    assert np.mean(off_diagonal(result.verdict)[off_diagonal(effects) == 0] == "undecided") > 0.9
    inside = (result.low < effects) & (effects < result.high)
    assert 0.85 < np.mean(off_diagonal(inside)) <= 1
    assert (np.diag(result.verdict) == "").all()
    assert np.isnan(np.diag(result.estimate)).all()


@pytest.mark.parametrize("between", [0.0, 0.5, 1.0])
def test_without_lasting_effects_almost_nothing_is_decided(between):
    """Each repeat has effects of its own, of this standard deviation in units of the noise."""
    decided = 0
    for seed in range(10):
        X, Y, _ = study(seed=seed)
        rng = np.random.default_rng(seed)
        own = between * rng.normal(size=(3, N_TASKS, N_TASKS))
        noise = rng.normal(size=Y.shape) + np.einsum("ns,rts->rnt", X, own)
        result = relevance(X, np.where(np.isnan(Y), np.nan, noise))
        decided += np.isin(result.verdict, ["helps", "hurts"]).any()
    assert decided <= 2  # of 10 studies


def test_the_error_holds_what_repeats_differ_in():
    errors = {}
    for between in (0.0, 1.0):
        X, Y, _ = study(n=200, repeats=8, noise=1.0)
        own = between * np.random.default_rng(1).normal(size=(8, N_TASKS, N_TASKS))
        errors[between] = relevance(X, Y + np.einsum("ns,rts->rnt", X, own)).standard_error
    quiet = off_diagonal(errors[0.0])
    assert 0.3 < np.sqrt(8) * np.median(quiet) * np.sqrt(25) / 2 < 1.2  # 100 scores a target
    loud = np.sqrt(np.median(off_diagonal(errors[1.0])) ** 2 - np.median(quiet) ** 2)
    assert loud == pytest.approx(np.sqrt(1 / 8), rel=0.2)


def test_one_repeat_decides_nothing():
    X, Y, _ = study(n=200)
    result = relevance(X, Y[:1])
    assert (off_diagonal(result.verdict) == "undecided").all()
    assert np.isnan(off_diagonal(result.p_value)).all()
    assert np.isnan(off_diagonal(result.low)).all()
    assert np.isfinite(off_diagonal(result.estimate)).all()
    np.testing.assert_array_equal(result.estimate, relevance(X, Y[0]).estimate)


def test_a_task_that_one_repeat_scores_is_undecided_alone():
    X, Y, effects = study(n=200)
    Y[1:, :, 4] = np.nan
    result = relevance(X, Y)
    assert set(np.delete(result.verdict[4], 4)) == {"undecided"}
    others = np.arange(N_TASKS) != 4
    assert (result.verdict[others][effects[others] > 0] == "helps").all()


@pytest.mark.parametrize("ridge", ["evidence", 0.5, 0.0])
def test_repeats_alone_make_the_estimates_of_all_together(ridge):
    """Linear in the scores: what a repeat adds is seen when its scores change."""
    X, Y, _ = study(n=200, noise=1.0)
    model = fit_surrogates(X, Y, LinearSurrogate(ridge=ridge)).estimators[0]
    rows = X[:, 0] == 1
    centred = X[rows] - X[rows].mean(axis=0)
    scores = 3 * Y[:, rows, 0].mean(axis=0)  # three repeats: each row weighs 3
    found = model.squares()[1] @ centred.T @ (scores - scores.mean())
    np.testing.assert_allclose(found[1:], model.coef_[1:], atol=1e-10)


def test_a_missing_repeat_does_not_move_the_estimates():
    X, Y, _ = study(noise=0.0)
    whole = relevance(X, Y + np.random.default_rng(0).normal(0, 1e-6, Y.shape))
    gaps = Y + np.random.default_rng(0).normal(0, 1e-6, Y.shape)
    gaps[0, ::3] = np.nan
    np.testing.assert_allclose(
        off_diagonal(relevance(X, gaps).estimate), off_diagonal(whole.estimate), atol=1e-3
    )


def test_pairs_never_together_are_unknown():
    X, Y, _ = study(n=200)
    apart = ~((X[:, 0] == 1) & (X[:, 1] == 1))
    result = relevance(X[apart], Y[:, apart])
    assert result.verdict[0, 1] == result.verdict[1, 0] == "unknown"
    assert np.isnan(result.estimate[0, 1])
    assert result.n_together[0, 1] == 0
    assert np.isfinite(result.estimate[0, 2])


def test_single_task_rows_and_the_own_indicator():
    X, Y, _ = study()
    with_single = np.vstack([np.zeros((1, N_TASKS)), X])
    scores = np.concatenate([np.zeros((3, 1, N_TASKS)), Y], axis=1)
    surrogates = fit_surrogates(with_single, scores)
    alone = surrogates.predict(np.zeros((1, N_TASKS)))[0]
    np.testing.assert_allclose(alone, surrogates.predict(np.eye(N_TASKS))[range(8), range(8)])


def test_paired_effects_subtract_the_single_task_of_the_same_repeat():
    scores = np.arange(12.0).reshape(2, 2, 3)
    single = np.array([[0.0, 1.0, np.nan], [6.0, 0.0, 0.0]])
    effects = paired_effects(scores, single)
    assert effects[0, 1].tolist()[:2] == [3.0, 3.0]
    assert np.isnan(effects[0, :, 2]).all()
    assert effects[1, 0].tolist() == [0.0, 7.0, 8.0]
    with pytest.raises(ValueError, match="n_repeats, n_subsets, n_tasks"):
        paired_effects(scores, single[:1])


def test_what_a_design_lacks_is_named():
    X, Y, _ = study()
    with pytest.warns(DesignWarning, match=r"rows \[0\].*listed before|rows \[\d+\] of X"):
        fit_surrogates(np.vstack([X, X[:1]]), np.concatenate([Y, Y[:, :1]], axis=1))
    gone = X[:, 3] == 0
    with pytest.warns(DesignWarning) as caught:
        surrogates = fit_surrogates(X[gone], Y[:, gone])
    messages = [str(warning.message) for warning in caught]
    assert any("tasks [3] are in no subset" in message for message in messages)
    assert any("targets [3] have no surrogate" in message for message in messages)
    assert surrogates.estimators[3] is None
    assert np.isnan(surrogates.coef[3]).all()
    assert np.isnan(surrogates.coef[:, 3]).all()
    assert np.isnan(surrogates.predict(X[:2])[:, 3]).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X, Y: (X + 0.5, Y), "0 and 1 alone"),
        (lambda X, Y: (X, Y[:, 1:]), "Y must have the shape"),
        (lambda X, Y: (X, Y + np.inf), "must be finite"),
        (lambda X, Y: (X, Y * np.nan), "got NaN alone"),
        (lambda X, Y: (X[0], Y), "must have the shape"),
        (lambda X, Y: (X, Y * 0), "no target can be fitted; target 0: y must vary"),
    ],
)
def test_bad_input(change, match):
    X, Y, _ = study()
    with pytest.raises(ValueError, match=match):
        relevance(*change(X, Y))


def test_a_rate_of_no_false_discoveries_is_refused():
    X, Y, _ = study()
    with pytest.raises(ValueError, match="fdr must be between"):
        relevance(X, Y, fdr=0.0)
