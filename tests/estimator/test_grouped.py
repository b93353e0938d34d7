"""Groups found in made data, nothing found in noise, and gaps."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge

from cotrain import GroupedClassifier, GroupedRegressor

pytestmark = pytest.mark.filterwarnings("ignore")


def made(n=1200, noise=0.3, seed=0):
    """Two clusters of three tasks; a few labels of each, many gaps."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 20))
    centres = rng.standard_normal((2, 20))
    score = features @ centres[[0, 1, 0, 1, 0, 1]].T / 4 + noise * rng.standard_normal((n, 6))
    known = rng.random(score.shape) < 0.15
    return features, np.where(known, score, np.nan)


def classes(values):
    return np.where(np.isnan(values), np.nan, values > 0)


@pytest.fixture(scope="module")
def fitted():
    features, values = made()
    model = GroupedRegressor(Ridge(), max_groups=2, n_subsets=25, random_state=0)
    return model.fit(features, values), features, values


def test_sources_of_the_own_cluster_help_more_than_those_of_the_other(fitted):
    effects = fitted[0].relevance_.to_numpy()
    same = np.add.outer(np.arange(6), np.arange(6)) % 2 == 0
    own = effects[same & ~np.eye(6, dtype=bool)]
    assert own.min() > effects[~same].max()


def test_what_is_planted_is_grouped_and_beats_its_rivals(fitted):
    model = fitted[0]
    # Beside them all tasks may share a model of the blend, but no group mixes the clusters.
    assert {frozenset(group) for group in model.groups_} - {frozenset(range(6))} == {
        frozenset({0, 2, 4}),
        frozenset({1, 3, 5}),
    }
    assert model.report_["skilled"].all()
    report = model.report_
    assert report["recommended"].mean() > report["single-task"].mean() > report["base rate"].mean()


def test_the_same_random_state_gives_the_same_bits_with_any_number_of_threads(fitted):
    model, features, values = fitted
    again = clone(model).set_params(n_jobs=2).fit(features, values)
    np.testing.assert_array_equal(again.predict(features), model.predict(features))
    assert again.report_.equals(model.report_)


def test_permuted_labels_are_predicted_by_the_base_rate_and_make_no_groups():
    features, values = made()
    labels = classes(values)
    rng = np.random.default_rng(1)
    for column in labels.T:
        known = np.flatnonzero(~np.isnan(column))
        column[known] = column[rng.permutation(known)]
    model = GroupedClassifier(LogisticRegression(), n_subsets=6, random_state=0)
    model.fit(features, labels)
    assert (model.groups_, model.portfolio_) == ([], "base rate")
    assert not model.report_["skilled"].any()
    assert not model.verdicts_["verdict"].isin(["helps", "hurts"]).any()
    shares = model.predict_proba(features)
    assert np.ptp(shares, axis=0).max() == 0
    np.testing.assert_allclose(shares[0], np.nanmean(labels, axis=0), atol=0.02)


def test_a_task_that_cannot_be_learnt_is_its_base_rate_with_a_reason():
    features, values = made(600)
    labels = np.column_stack([classes(values)[:, :2], np.zeros(600), np.full(600, np.nan)])
    model = GroupedClassifier(LogisticRegression(), n_subsets=1, random_state=0)
    shares = model.fit(features, labels).predict_proba(features)
    assert model.report_["reason"].tolist()[:2] == ["", ""]
    assert (model.report_["reason"].iloc[2:] != "").all()
    assert shares[:, 2].max() < 0.01
    assert set(model.predict(features)[:, 0]) <= {0, 1}


@pytest.mark.parametrize("names", [["no", "yes"], [1.0, 2.0], [-1, 1], [False, True]])
def test_a_column_of_one_class_is_predicted_by_it(names):
    rng = np.random.default_rng(0)
    features = rng.standard_normal((60, 3))
    labels = np.array(names)[np.column_stack([features[:, 0] > 0, np.ones(60, int)]).astype(int)]
    model = GroupedClassifier(LogisticRegression(), n_subsets=1, random_state=0)
    said = model.fit(features, labels).predict(features)
    assert set(said[:, 0]) == set(names)
    assert set(said[:, 1]) == {names[1]}
    assert model.predict_proba(features)[:, 1].min() > 0.9


def test_a_budget_is_a_number_of_subsets_that_no_clock_changes():
    features, values = made(600)
    few, many = (
        GroupedRegressor(Ridge(), budget=budget, random_state=0).fit(features, values[:, :4])
        for budget in (0.001, 3.0)
    )
    assert few.n_subsets_ == 1 < many.n_subsets_


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"budget": 1.0, "n_subsets": 3}, "not both"),
        ({"budget": -1.0}, "budget"),
        ({"max_groups": 0}, "max_groups"),
        ({"estimator": "forest"}, "jointly"),
        ({"estimator": "nothing"}, "kind must be one of"),
        ({"estimator": {"hidden": [8]}}, "kind must be one of .*, got None"),
        ({"estimator": Ridge()}, "predict_proba"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(changed, said):
    features, values = made(100)
    with pytest.raises(ValueError, match=said):
        GroupedClassifier(**changed).fit(features, classes(values))


def test_columns_need_names_of_their_own():
    features, values = made(100)
    with pytest.raises(ValueError, match="a name of its own for each column, got .*'a', 'a'"):
        GroupedRegressor(Ridge()).fit(features, pd.DataFrame(values[:, :2], columns=["a", "a"]))


def test_importing_the_package_imports_no_estimator():
    code = "import cotrain, sys; sys.exit('sklearn' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_where_trees_are_right_the_forest_is_blended_in_and_no_rival_is_better():
    rng = np.random.default_rng(0)
    features = rng.uniform(size=(500, 6))
    # Boxes with edges along the axes: trees find them, lines and smooth models do not.
    boxes = ((features[:, [0, 2, 4]] > 0.4) ^ (features[:, [1, 3, 5]] > 0.6)).astype(float)
    model = GroupedClassifier(n_subsets=1, random_state=0).fit(features[:350], boxes[:350])
    report = model.report_
    assert report["forest"].mean() < report[["linear", "single-task", "base rate"]].mean().min()
    assert report["recommended"].mean() <= report["forest"].mean()
    right = model.predict(features[350:]) == boxes[350:]
    assert right.mean() > 0.85


def test_labels_without_a_signal_are_told_by_the_base_rate_whatever_the_rivals():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(250, 8)), (rng.random((250, 3)) < 0.4).astype(float)
    model = GroupedClassifier(n_subsets=1, random_state=0).fit(features, labels)
    assert {"forest", "kernel"} < set(model.report_)
    assert (model.groups_, model.portfolio_) == ([], "base rate")
    assert not model.report_["skilled"].any()


def test_rivals_that_take_too_long_are_left_out(monkeypatch):
    monkeypatch.setattr("cotrain.estimator._grouped.AFFORDABLE", 0.0)
    features, values = made(300)
    report = GroupedRegressor(n_subsets=1, random_state=0).fit(features, values[:, :3]).report_
    assert not {"linear", "forest", "kernel"} & set(report)
