import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
)

from cotrain.surrogates import LinearSurrogate, best_threshold, classify, identify_negative_transfer


def study(noise, n=160, n_tasks=10, repeats=3, seed=0):
    rng = np.random.default_rng(seed)
    X = np.unique((rng.random((n, n_tasks)) < 0.5).astype(float), axis=0)
    effects = rng.normal(0, 1, (n_tasks, n_tasks))
    np.fill_diagonal(effects, 0)
    truth = np.where(X == 1, X @ effects.T, np.nan)
    return X, truth, truth + rng.normal(0, noise, (repeats, *truth.shape))


def test_clear_effects_are_told():
    X, truth, effects = study(noise=0.05)
    result = identify_negative_transfer(X, effects)
    figures = result.figures
    assert figures["surrogate"].balanced_accuracy > 0.97
    assert figures["surrogate"].mcc > 0.94
    assert figures["ceiling"].balanced_accuracy > figures["surrogate"].balanced_accuracy - 0.02
    negative = truth[result.held_out] < 0
    decision = result.probability >= result.threshold
    assert np.mean(negative[result.scored] == decision[result.scored]) > 0.96
    np.testing.assert_array_equal(result.scored, X[result.held_out] == 1)


def test_noise_alone_is_not_told_and_the_ceiling_says_so():
    X, _, effects = study(noise=1.0)
    effects = np.where(
        np.isnan(effects), np.nan, np.random.default_rng(1).normal(size=effects.shape)
    )
    result = identify_negative_transfer(X, effects)
    assert abs(result.figures["surrogate"].mcc) < 0.2
    assert result.figures["ceiling"].balanced_accuracy < 0.65


def test_ceiling_is_what_an_oracle_reaches():
    X, truth, effects = study(noise=2.0, n=400, repeats=4)
    result = identify_negative_transfer(X, effects)
    known = result.scored
    oracle = classify(
        result.negative[known],
        truth[result.held_out][known] < 0,
        -truth[result.held_out][known],
    )
    ceiling = result.figures["ceiling"]
    assert ceiling.balanced_accuracy == pytest.approx(oracle.balanced_accuracy, abs=0.04)
    assert ceiling.average_precision == pytest.approx(oracle.average_precision, abs=0.04)
    assert result.figures["surrogate"].balanced_accuracy < ceiling.balanced_accuracy + 0.03


def test_trivial_predictors():
    X, _, effects = study(noise=1.0)
    result = identify_negative_transfer(X, effects)
    negative = result.negative[result.scored]
    share = negative.mean()
    always = result.figures["always"]
    assert always.f1 == pytest.approx(2 * share / (1 + share))
    assert always.balanced_accuracy == 0.5
    assert always.mcc == 0
    assert always.average_precision == pytest.approx(share)
    assert result.figures["never"].f1 == 0
    assert result.figures["prior-random"].average_precision == pytest.approx(share)
    frame = result.to_frame()
    assert frame.loc["always", "f1"] == always.f1
    assert list(frame.columns) == ["f1", "balanced_accuracy", "mcc", "average_precision"]


def test_the_same_seed_gives_the_same_bits():
    X, _, effects = study(noise=1.0)
    first, second = (identify_negative_transfer(X, effects, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(first.probability, second.probability)
    assert first.figures == second.figures
    other = identify_negative_transfer(X, effects, random_state=4)
    assert not np.array_equal(first.held_out, other.held_out)


def test_one_repeat_has_no_ceiling():
    X, _, effects = study(noise=1.0)
    assert "ceiling" not in identify_negative_transfer(X, effects[0]).figures


@pytest.mark.parametrize(
    ("option", "match"),
    [
        ({"held_out": 0.5}, "held_out must be between"),
        ({"held_out": 0.001}, "enough subsets"),
    ],
)
def test_bad_options(option, match):
    X, _, effects = study(noise=1.0)
    with pytest.raises(ValueError, match=match):
        identify_negative_transfer(X, effects, **option)


@pytest.mark.parametrize("sign", [1, -1])
def test_effects_of_one_sign_choose_no_threshold(sign):
    X, _, effects = study(noise=1.0)
    found = identify_negative_transfer(X, sign * np.abs(effects))
    assert found.threshold == 0.5
    assert np.isnan(found.figures["surrogate"].mcc)
    assert found.negative[found.scored].all() == (sign < 0)
    assert np.isfinite(found.probability[found.scored]).all()


def test_a_surrogate_without_a_known_error_is_refused():
    X, _, effects = study(noise=1.0)
    with pytest.raises(ValueError, match="enough subsets for a surrogate with a known error"):
        identify_negative_transfer(X[::10], effects[:, ::10], surrogate=LinearSurrogate(ridge=0.01))


def test_figures_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    negative = rng.random(200) < 0.3
    probability = rng.random(200).round(1)  # with ties
    decision = probability > 0.6
    figures = classify(negative, decision, probability)
    assert figures.f1 == pytest.approx(f1_score(negative, decision))
    assert figures.balanced_accuracy == pytest.approx(balanced_accuracy_score(negative, decision))
    assert figures.mcc == pytest.approx(matthews_corrcoef(negative, decision))
    assert figures.average_precision == pytest.approx(
        average_precision_score(negative, probability)
    )


def test_figures_without_both_classes_are_unknown():
    figures = classify(np.zeros(5, dtype=bool), np.zeros(5, dtype=bool), np.zeros(5))
    assert np.isnan([figures.f1, figures.balanced_accuracy, figures.mcc]).all()


def test_threshold_is_the_best_of_all():
    rng = np.random.default_rng(1)
    negative = rng.random(60) < 0.4
    probability = np.clip(negative * 0.3 + rng.random(60) * 0.7, 0, 1)
    threshold = best_threshold(negative, probability)

    def score(at):
        return classify(negative, probability >= at, probability).mcc

    assert score(threshold) == pytest.approx(max(score(at) for at in [0, *probability, 1]))
