import numpy as np
import pytest

from cotrain.surrogates import DesignWarning, fit_surrogates, paired_effects, relevance

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


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_without_effects_almost_nothing_is_decided(method):
    decided = 0
    for seed in range(5):
        X, Y, _ = study(seed=seed)
        Y = np.where(np.isnan(Y), np.nan, np.random.default_rng(seed).normal(size=Y.shape))
        result = relevance(X, Y, method=method, n_bootstrap=50)
        decided += result.count("helps") + result.count("hurts")
    assert decided <= 3  # of 280


def test_bootstrap_agrees_with_t_where_the_noise_is_even():
    X, Y, _ = study(n=200, noise=1.0)
    even = relevance(X, Y)
    drawn = relevance(X, Y, method="bootstrap", n_bootstrap=150)
    np.testing.assert_array_equal(even.estimate, drawn.estimate)
    ratio = off_diagonal(drawn.standard_error) / off_diagonal(even.standard_error)
    assert 0.85 < np.mean(ratio) < 1.2


def test_bootstrap_sees_noise_that_differs_between_subsets():
    rng = np.random.default_rng(0)
    X, Y, _ = study(n=250, repeats=1)
    kept = (X[:, 0] == 0) | (rng.random(len(X)) < 0.3)
    X, Y = X[kept], Y[:, kept]
    loud = np.where(X[:, :1] == 1, 3.0, 0.1)  # all is noisy in the few subsets with task 0
    Y = np.where(np.isnan(Y), np.nan, rng.normal(size=Y.shape) * loud)
    even = relevance(X, Y).standard_error[1:, 0]
    drawn = relevance(X, Y, method="bootstrap").standard_error[1:, 0]
    assert np.median(drawn / even) > 1.2


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


def test_frame_has_a_row_for_each_pair():
    X, Y, _ = study()
    frame = relevance(X, Y).to_frame([f"t{i}" for i in range(N_TASKS)])
    assert len(frame) == N_TASKS * (N_TASKS - 1)
    row = frame.set_index(["target", "source"]).loc[("t2", "t5")]
    assert row["estimate"] == relevance(X, Y).estimate[2, 5]
    with pytest.raises(ValueError, match="must name 8 tasks"):
        relevance(X, Y).to_frame(["a"])


def test_single_task_rows_and_the_own_indicator():
    X, Y, _ = study()
    with_single = np.vstack([np.zeros((1, N_TASKS)), X])
    scores = np.concatenate([np.zeros((3, 1, N_TASKS)), Y], axis=1)
    surrogates = fit_surrogates(with_single, scores)
    assert surrogates.n_scores[0] == 1 + X[:, 0].sum()
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


@pytest.mark.parametrize(
    ("option", "match"),
    [
        ({"fdr": 0.0}, "fdr must be between"),
        ({"confidence": 1.0}, "confidence must be between"),
        ({"method": "magic"}, "method must be"),
    ],
)
def test_bad_options(option, match):
    X, Y, _ = study()
    with pytest.raises(ValueError, match=match):
        relevance(X, Y, **option)
