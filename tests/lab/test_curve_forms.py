import numpy as np
import pytest
from sklearn.base import clone

from lab.curve_forms import choose_form, foretell
from lab.learning_curve import LearningCurve

N = np.tile([25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0], 4)[:, None]


@pytest.mark.parametrize(
    ("truth", "curve"),
    [
        ("power", lambda n: 0.95 - 2.0 * n**-0.5),
        ("exp3.1", lambda n: 0.9 - np.exp(-1.0 - 0.003 * n)),
        ("ilog2", lambda n: 0.99 - 1.0 / np.log(n)),
    ],
)
@pytest.mark.parametrize("held_out", ["highest", "folds"])
def test_the_true_form_wins(truth, curve, held_out):
    scores = curve(N[:, 0]) + np.random.default_rng(0).normal(0, 0.001, len(N))
    forms = ("exp3.1", "ilog2", "power")
    choices = choose_form(N, scores, forms, held_out=held_out, n_folds=3)
    assert choices[0].form == truth
    assert choices[0].error < 0.002
    assert [choice.error for choice in choices] == sorted(choice.error for choice in choices)


def test_forms_of_more_columns_compete_with_those_of_fewer():
    rng = np.random.default_rng(0)
    X = np.concatenate([N, rng.integers(0, 3000, N.shape)], axis=1)
    scores = 0.9 - np.exp(-1.0 - X @ np.array([0.003, 0.0005])) + rng.normal(0, 0.002, len(N))
    choices = choose_form(X, scores, ("exp3.1", "exp3.2"), held_out="folds", n_folds=3)
    assert choices[0].form == "exp3.2"
    assert choices[0].error < 0.5 * choices[1].error


def test_a_form_that_cannot_be_fitted_comes_last_with_the_reason():
    few = N[:5]
    choices = choose_form(few, 0.9 - 1 / few[:, 0], ("exp4", "exp3.1"), held_out="highest")
    assert choices[-1].form == "exp4" or choices[-1].reason == ""
    three = choose_form(N[:4], 0.9 - 1 / N[:4, 0], ("exp4", "ilog2"), held_out="highest")
    assert three[-1].form == "exp4"
    assert "at least 4 rows" in three[-1].reason
    assert np.isnan(three[-1].error)


def test_of_noisy_scores_the_mean_of_forms_foretells_better_than_the_chosen_one():
    sizes, top = 16 * 2 ** np.arange(7.0)[:, None], np.array([[4096.0]])
    curve, errors = LearningCurve(n_starts=1, random_state=0), []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        length = rng.uniform(200, 1400)
        scores = 0.9 - 0.3 * np.exp(-sizes[:, 0] / length) + rng.normal(0, 0.02, len(sizes))
        chosen = clone(curve).set_params(form=choose_form(sizes, scores, curve=curve)[0].form)
        found = chosen.fit(sizes, scores).predict(top), foretell(sizes, scores, top, curve=curve)
        errors.append(np.abs(np.ravel(found) - 0.9 + 0.3 * np.exp(-4096 / length)))
    by_one, by_all = np.mean(errors, axis=0)
    assert by_all < 0.85 * by_one


def test_weights_are_by_the_squared_error_on_held_out_counts():
    scores = 0.95 - 2.0 * N[:, 0] ** -0.5 + np.random.default_rng(0).normal(0, 0.001, len(N))
    choices = choose_form(N, scores, ("exp3.1", "ilog2", "power"))
    weights = np.array([choice.weight for choice in choices])
    errors = np.array([choice.error for choice in choices])
    np.testing.assert_allclose(weights.sum(), 1)
    np.testing.assert_allclose(weights[1:] / weights[0], (errors[0] / errors[1:]) ** 2, rtol=0.05)
    parts = [
        choice.weight * LearningCurve(choice.form, random_state=0).fit(N, scores).predict(N[:3])
        for choice in choices
    ]
    found = foretell(N, scores, N[:3], ("exp3.1", "ilog2", "power"))
    np.testing.assert_allclose(found, np.sum(parts, axis=0))


def test_a_form_that_cannot_be_fitted_counts_for_nothing():
    few, scores = N[:4], 0.9 - 1 / N[:4, 0]
    choices = choose_form(few, scores, ("exp4", "ilog2"))
    assert [choice.weight for choice in choices] == [1.0, 0.0]
    alone = LearningCurve("ilog2", random_state=0).fit(few, scores).predict(N[4:6])
    np.testing.assert_allclose(foretell(few, scores, N[4:6], ("exp4", "ilog2")), alone)


def test_nothing_to_choose_is_refused():
    with pytest.raises(ValueError, match="no form could be fitted"):
        choose_form(N[:2], np.array([0.5, 0.6]))
    with pytest.raises(ValueError, match="held_out must be"):
        choose_form(N, N[:, 0] / 4000, held_out="lowest")
