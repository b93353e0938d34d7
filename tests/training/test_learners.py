"""Every learner of ours against the public contract, and what only some of them do."""

import io
import itertools
import math
import zipfile
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from random_fits import make_fits, make_table
from scipy.sparse import csr_array
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.naive_bayes import BernoulliNB
from sklearn.tree import DecisionTreeRegressor

from cotrain.exceptions import DataError, FitError
from cotrain.registry import LEARNERS
from cotrain.settings import Section
from cotrain.testing import LearnerContract
from cotrain.training import FitFailure, Problem, make_learner
from cotrain.training.learners import (
    Boosting,
    EstimatorLearner,
    Forest,
    Kernel,
    Linear,
    Pooled,
    PooledLinear,
)
from cotrain.training.learners._kernel_solve import Coupled, solve
from cotrain.training.learners._matrix import as_matrix
from cotrain.training.learners._similarity import Similarity
from cotrain.training.learners._trees import Trees, of_boosting, of_forest


class TestForest(LearnerContract):
    def learner(self):
        return Forest(Forest.Settings(n_trees=20))


class TestExtraTrees(LearnerContract):
    def learner(self):
        return Forest(Forest.Settings(n_trees=20, trees="extra", max_features=0.3))


class TestBoosting(LearnerContract):
    def learner(self):
        return Boosting(Boosting.Settings(n_trees=20))


class TestLinear(LearnerContract):
    def learner(self):
        return Linear(Linear.Settings())


class TestKernel(LearnerContract):
    def learner(self):
        return Kernel(Kernel.Settings(share=0.2))


class TestPooledLinear(LearnerContract):
    def learner(self):
        return PooledLinear(PooledLinear.Settings())


class TestPooled(LearnerContract):
    def learner(self):
        return Pooled(Pooled.Settings(n_trees=20, min_leaf=5))


class NaiveSettings(Section):
    kind: Literal["naive"] = "naive"
    alpha: float = 1.0


class Naive(EstimatorLearner):
    """What a stranger writes: a classifier of theirs, and a tree for real values."""

    Settings = NaiveSettings

    def estimator(self, is_binary, seed):
        if is_binary:
            return BernoulliNB(alpha=self.settings.alpha)
        return DecisionTreeRegressor(max_depth=4, random_state=seed)


class TestStranger(LearnerContract):
    def learner(self):
        return Naive(Naive.Settings())


@pytest.mark.parametrize("kind", ["network", "forest", "boosting", "linear", "kernel", "pooled"])
def test_settings_of_the_kind_alone_make_a_learner(kind):
    learner = LEARNERS.find(kind)
    assert type(make_learner(learner.Settings.model_validate({"kind": kind}))) is learner


def data(seed=0, n=200, d=12):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).astype(np.float32)
    return x, x[:, 0] * x[:, 1] + x[:, 2] + 0.1 * rng.normal(size=n)


def test_trees_give_what_the_forest_gives():
    x, y = data()
    forest = RandomForestRegressor(15, random_state=0).fit(x, y)
    np.testing.assert_allclose(of_forest(forest, False).outputs(x), forest.predict(x), rtol=1e-12)


def test_trees_give_what_the_boosting_gives():
    x, y = data()
    used = np.array([0, 1, 2, 5, 7])
    boosting = HistGradientBoostingClassifier(max_iter=30, random_state=0).fit(x[:, used], y > 0)
    found = of_boosting(boosting, used).outputs(x)
    np.testing.assert_allclose(found, boosting.decision_function(x[:, used]), rtol=1e-12)


def test_no_model_is_surer_than_its_labels_allow():
    table, fit = make_table(), make_fits()[0]
    n_labels = Problem.of(table, fit).n_labels
    trained = Forest(Forest.Settings(n_trees=5)).fit(table, fit)
    outputs = np.abs(trained.outputs(table.features))[:, 1:]
    largest = np.log(2 * n_labels[1:] + 1)
    assert (outputs <= largest).all()
    np.testing.assert_allclose(outputs.max(axis=0), largest)


def test_a_weight_of_a_task_does_not_change_a_model_of_it_alone():
    table, fit = make_table(), make_fits()[0]
    learner = Linear(Linear.Settings())
    heavy = replace(fit, task_weights=(9.0, 0.1, 1.0, 1.0, 1.0))
    one, other = (learner.fit(table, each).outputs(table.features) for each in (fit, heavy))
    np.testing.assert_array_equal(one, other)


def min_max(matrix, settings="minmax"):
    return Similarity.of(matrix, settings, 1.0)(matrix)


@pytest.mark.parametrize("ones", [True, False])
def test_min_max_is_tanimoto_on_bits_and_its_like_on_counts(ones):
    matrix = abs(make_table(ones=ones).features)
    dense = matrix.toarray().astype(np.float64)
    least = np.minimum(dense[:, None], dense).sum(axis=2)
    most = np.maximum(dense[:, None], dense).sum(axis=2)
    wanted = np.where(most > 0, least / np.where(most > 0, most, 1), 1)
    np.testing.assert_allclose(min_max(matrix), wanted, rtol=1e-5)


def test_columns_that_measure_are_told_from_those_that_count():
    mixed = make_table().features.toarray()
    mixed[:, 60:] = np.random.default_rng(0).normal(3, 5, (300, 10))
    both = Similarity.of(csr_array(mixed), "auto", 1.0)
    assert both.measured.tolist() == list(range(60, 70))
    parts = (min_max(csr_array(mixed[:, :60])), min_max(mixed[:, 60:], "rbf"))
    np.testing.assert_allclose(both(csr_array(mixed)), (parts[0] + parts[1]) / 2, atol=1e-5)


@pytest.mark.parametrize("every_label", [True, False])
def test_the_solution_is_that_of_the_dense_system(every_label, monkeypatch):
    monkeypatch.setattr("cotrain.training.learners._kernel_solve._TOLERANCE", 1e-5)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 3))
    kernel = np.exp(-((points[:, None] - points) ** 2).sum(axis=2)).astype(np.float32)
    known = np.ones((40, 4), dtype=bool) if every_label else rng.random((40, 4)) < 0.3
    row, member = np.nonzero(known)
    covariance = Coupled(kernel, row, member, 4)
    share = np.array([0.0, 0.4], dtype=np.float32)
    target = rng.normal(size=row.size).astype(np.float32)
    weight = rng.uniform(0.5, 2, row.size).astype(np.float32)
    noise = np.array([1.0, 0.1, 8.0], dtype=np.float32)
    used = np.stack([rng.random(row.size) < 0.7, np.ones(row.size, dtype=bool)], axis=1)
    never = np.zeros(1, dtype=bool)
    found = solve(covariance, target, weight, noise, share, used, never)
    for column, place in itertools.product(range(2), range(3)):
        alike = (1 - share[column]) * (member[:, None] == member) + share[column]
        system = kernel[np.ix_(row, row)] * alike + np.diag(noise[place] / weight)
        at = used[:, column]
        wanted = np.linalg.solve(system[np.ix_(at, at)].astype(np.float64), target[at])
        np.testing.assert_allclose(found[at, column, place], wanted, atol=5e-4)
        assert (found[~at, column, place] == 0).all()


def test_what_is_solved_is_multiplied_no_more():
    widths = []

    class Recorded(Coupled):
        def times(self, vectors, share):
            widths.append(vectors.shape[1])
            return super().times(vectors, share)

    rng = np.random.default_rng(0)
    factor = rng.normal(size=(60, 60)).astype(np.float32)
    covariance = Recorded(factor @ factor.T, np.arange(60), np.zeros(60, dtype=int), 1)
    used = np.stack([np.arange(60) < 3, np.ones(60, dtype=bool)], axis=1)  # three steps, and sixty
    ones = np.ones(60, dtype=np.float32)
    solve(covariance, ones, ones, ones[:1], np.zeros(2, np.float32), used, np.zeros(1, bool))
    assert widths[0] == 2
    assert widths[-1] == 1


@pytest.mark.parametrize("dense", [True, False])
def test_tasks_of_the_same_examples_are_solved_by_one_matrix(dense):
    table = make_table(real=())
    known = np.ones((50, 4), bool) if dense else np.eye(4, dtype=bool)[np.arange(50) % 4]
    row, member = np.nonzero(known)
    features = table.features[:50]
    similarity = Similarity.of(features, "auto", 1.0)
    covariance = Coupled.of(similarity, features, row, member, 4, apart=True)
    assert covariance.kernel.shape == (50, 50 if dense else 0)
    assert len(covariance.blocks) == (0 if dense else 4)
    vectors = np.random.default_rng(0).normal(size=(row.size, 2)).astype(np.float32)
    alike = similarity(features)[np.ix_(row, row)] * (member[:, None] == member)
    product = covariance.times(vectors, np.zeros(2, np.float32))
    np.testing.assert_allclose(product, alike @ vectors, atol=1e-5)


def test_similarities_by_chunks_are_the_same(monkeypatch):
    points = np.random.default_rng(0).normal(size=(30, 5))
    whole = Similarity.of(points, "rbf", 1.0)
    expected = whole(points)
    monkeypatch.setattr("cotrain.training.learners._similarity.CHUNK", 70)
    np.testing.assert_allclose(whole(points), expected, atol=1e-6)


def test_a_forest_reads_features_column_by_column(monkeypatch):
    given = []

    def fit(self, features, *_):
        given.append(features.flags.f_contiguous)
        raise FitError("enough")

    monkeypatch.setattr("sklearn.ensemble.RandomForestClassifier.fit", fit)
    Forest(Forest.Settings(n_trees=2)).evaluate(make_table(real=()), [make_fits()[0]])
    assert given
    assert all(given)


def test_a_forest_of_features_that_are_mostly_0_is_foreseen_to_take_less():
    sparse, fits = make_table(real=()), make_fits()
    dense = replace(sparse, features=sparse.features.toarray())
    forest = Forest(Forest.Settings())
    assert (forest.cost(sparse, fits) < forest.cost(dense, fits)).all()


def test_related_tasks_help_each_other_by_their_share():
    table, fit = make_table(seed=1, n=400, real=()), make_fits()[0]
    alone, coupled = (
        Kernel(Kernel.Settings(share=share)).evaluate(table, [fit])[0].test[:, 0].mean()
        for share in (0.0, 0.5)
    )
    assert coupled < alone - 0.01


def test_tasks_that_share_nothing_are_solved_apart_with_the_same_result():
    table, fit = make_table(), make_fits()[-1]
    assert len(fit.members) > 1
    apart, joint = (
        Kernel(Kernel.Settings(share=share, kernel="rbf")).evaluate(table, [fit])[0]
        for share in (0.0, 1e-9)
    )
    np.testing.assert_allclose(apart.predictions.test, joint.predictions.test, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"max_examples": 20}, "trains on at most 20 examples, and this fit has"),
        ({"kernel": "minmax"}, "kernel minmax: features must not be negative"),
    ],
)
def test_what_the_kernel_cannot_do_it_says(settings, reason):
    table = make_table(ones=False)
    table.features.data[:] = -np.abs(table.features.data)
    outcome = Kernel(Kernel.Settings(**settings)).evaluate(table, make_fits()[:1])[0]
    assert isinstance(outcome, FitFailure)
    assert reason in outcome.reason


@pytest.mark.parametrize(
    ("learner", "file"),
    [
        (Forest(Forest.Settings(n_trees=3)), "models.safetensors"),
        (Kernel(Kernel.Settings()), "kernel.safetensors"),
    ],
)
def test_a_model_that_is_missing_or_another_learners_is_refused(learner, file, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        learner.trained.load(tmp_path)
    Linear(Linear.Settings()).fit(make_table(), make_fits()[0]).save(tmp_path)
    (tmp_path / "models.safetensors").rename(tmp_path / file)
    with pytest.raises(DataError, match="is no such model"):
        learner.trained.load(tmp_path)


def test_an_estimator_of_types_that_are_not_trusted_is_not_read(tmp_path):
    Naive(Naive.Settings()).fit(make_table(), make_fits()[0]).save(tmp_path)
    wary = type("Wary", (Naive.trained.model,), {"trusted": ()})
    with pytest.raises(DataError, match="Untrusted types.*Tree"):
        type("TrainedWary", (Naive.trained,), {"model": wary}).load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"protocol": ', b'"protocol": 9'), (b'"__loader__": "', b'"__loader__": "?'), (b"{", b"[")],
)
def test_an_estimator_whose_schema_is_another_is_told(old, new):
    trained = Naive(Naive.Settings()).fit(make_table(), make_fits()[0])
    model = next(iter(trained.models.values()))
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(model.arrays()["skops"].tobytes())) as archive,
        zipfile.ZipFile(out, "w") as changed,
    ):
        for name in archive.namelist():
            data = archive.read(name)
            changed.writestr(name, data.replace(old, new) if name == "schema.json" else data)
    with pytest.raises(ValueError, match="skops|loader|schema|JSON|Expecting"):
        type(model).from_arrays({"skops": np.frombuffer(out.getvalue(), dtype=np.uint8)})


@pytest.mark.parametrize("name", ["roots", "feature", "number", "left", "right", "base"])
@pytest.mark.parametrize("change", ["type", "size", "shape"])
def test_trees_of_other_types_or_sizes_are_refused(name, change):
    node = (
        np.array([0, -1, -1]),
        np.zeros(3),
        np.ones(3),
        np.array([1, -1, -1]),
        np.array([2, -1, -1]),
    )
    arrays = Trees.of([node], 0.0, True).arrays()
    assert Trees.from_arrays(dict(arrays)).number.size == 3
    other = {
        "type": arrays[name].astype(np.float32),
        "size": np.repeat(arrays[name], 2) if name != "roots" else arrays[name][:0],
        "shape": arrays[name][:, None],
    }[change]
    with pytest.raises(ValueError, match="its "):
        Trees.from_arrays({**arrays, name: other})


@pytest.mark.parametrize("name", ["tasks", "is_binary", "scale", "limit"])
def test_models_whose_facts_are_of_other_types_are_refused(name):
    trained = Linear(Linear.Settings()).fit(make_table(), make_fits()[0])
    arrays = trained.arrays()
    with pytest.raises(ValueError, match="its parts are of other types"):
        type(trained).from_arrays({**arrays, name: arrays[name].astype(np.uint8)})


@pytest.mark.parametrize("shape", [(0, 6), (0, 4, 4), (3, 2, 2)])
def test_features_of_any_number_of_rows_are_a_matrix(shape):
    assert as_matrix(np.ones(shape)).shape == (shape[0], math.prod(shape[1:]))
