"""Weights of blends: known truths, anchors, and agreement with scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LinearRegression, LogisticRegression

from cotrain.comparison import Blend, model_shares
from cotrain.comparison._blend import Stack, filled, parts, role_means


def world(seed=0, n=4000, weights=((0.7, 0.3), (0.2, 0.8)), binary=True):
    """Labels of two tasks that follow from two columns by known weights."""
    rng = np.random.default_rng(seed)
    task = rng.integers(0, 2, n)
    columns = rng.normal(size=(n, 2)) * 2
    signal = (columns * np.array(weights)[task]).sum(axis=1)
    offset = np.where(task == 0, -1.0, 0.5) if binary else np.zeros(n)
    target = (
        (rng.random(n) < expit(offset + signal)).astype(float)
        if binary
        else signal + rng.normal(size=n)
    )
    return made(columns, task, target, offset, np.full(2, binary))


def made(columns, task, target, offset, is_binary):
    n = task.size
    places = np.arange(n)
    return Stack(columns, task, target, offset, np.ones(n), places, np.zeros(n, int), is_binary)


@pytest.mark.parametrize("binary", [True, False])
def test_the_weights_of_a_world_are_found(binary):
    found = Blend(strength=1.0).fit(world(n=20000, binary=binary)).weights_
    np.testing.assert_allclose(found, [[0.7, 0.3], [0.2, 0.8]], atol=0.08)


def test_common_weights_are_those_of_scikit_learn_where_none_is_negative():
    stack = world(binary=False)
    columns, target = stack.columns, stack.target
    common = Blend(np.inf).fit(stack).weights_
    # Weights that add up to 1 have one that is free: that of the columns' difference.
    apart = (columns[:, 0] - columns[:, 1])[:, None]
    first = LinearRegression(fit_intercept=False).fit(apart, target - columns[:, 1]).coef_[0]
    np.testing.assert_allclose(common, [[first, 1 - first]] * 2, atol=1e-4)
    stack = world(weights=((0.5, 0.5), (0.5, 0.5)))
    common = Blend(np.inf).fit(replace(stack, offset=0 * stack.offset)).weights_
    plain = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8)
    plain.fit(stack.columns, stack.target)
    np.testing.assert_allclose(common[0], plain.coef_[0], atol=1e-3)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("strength", [10.0, np.inf])
def test_labels_that_count_half_and_come_twice_count_once(binary, strength):
    stack = world(n=500, binary=binary)
    twice = stack[np.repeat(np.arange(500), 2)]
    once = Blend(strength).fit(stack).weights_
    np.testing.assert_allclose(
        Blend(strength).fit(replace(twice, weight=np.full(1000, 0.5))).weights_, once, atol=1e-5
    )
    assert np.abs(Blend(strength).fit(twice).weights_ - once).max() > 1e-5 or strength == np.inf


def test_a_model_that_misleads_gets_no_weight():
    stack = world()
    found = Blend().fit(replace(stack, columns=-stack.columns)).weights_
    np.testing.assert_array_equal(found, 0)


def test_a_few_labels_that_are_all_told_apart_do_not_end_all_doubt():
    target = np.tile([0.0, 1.0], 6)
    columns, task = (4 * target - 2)[:, None], np.zeros(12, dtype=int)
    blend = Blend(np.inf).fit(made(columns, task, target, 0 * target, np.array([True])))
    assert 1 < blend.weights_[0, 0] < 3


def test_values_are_a_mean_of_models_however_far_the_labels_moved():
    stack = world(binary=False)
    found = Blend().fit(replace(stack, target=3 * stack.target)).weights_
    np.testing.assert_allclose(found.sum(axis=1), 1)
    lone = replace(stack, columns=stack.columns[:, :1], target=0.2 * stack.target)
    np.testing.assert_allclose(Blend().fit(lone).weights_, 1)


def test_tasks_alike_share_their_weights_and_tasks_unlike_do_not():
    alike = Blend().fit(world(n=600, weights=((0.6, 0.4), (0.6, 0.4))))
    unlike = Blend().fit(world(n=20000, weights=((1.0, 0.0), (0.0, 1.0))))
    assert alike.strength_ >= 100
    assert unlike.strength_ <= 10


def test_what_holds_in_one_fold_alone_is_not_learnt():
    """In each fold other tasks have other shares of positives, as scaffolds have."""
    rng = np.random.default_rng(0)
    n, n_tasks, n_folds = 6000, 10, 3
    task, fold = rng.integers(0, n_tasks, n), rng.integers(0, n_folds, n)
    signal = rng.normal(size=n)
    moved = rng.normal(size=(n_tasks, n_folds))[task, fold]
    target = (rng.random(n) < expit(signal + moved)).astype(float)
    columns = np.stack([signal, signal + 1.0], axis=1)  # the second could say the fold's share
    stack = made(columns, task, target, np.zeros(n), np.ones(n_tasks, dtype=bool))
    assert Blend().fit(stack).strength_ <= 10
    assert Blend().fit(replace(stack, fold=fold)).strength_ == np.inf


def test_without_models_the_base_rate_is_said():
    stack = world()
    blend = Blend().fit(replace(stack, columns=np.empty((4000, 0))))
    np.testing.assert_array_equal(blend.predict(np.empty((4000, 0)), stack.task), 0)


def test_a_model_that_does_not_hold_a_task_says_what_the_others_say():
    columns = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, 4.0]])
    np.testing.assert_array_equal(filled(columns), [[1, 2, 3], [4, 4, 4]])


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("strength", [1.0, np.inf])
def test_a_role_has_no_weight_in_a_task_that_it_does_not_hold(binary, strength):
    stack = world(binary=binary)
    stack.columns[stack.task == 1, 0] = np.nan
    told = replace(stack, columns=filled(stack.columns))
    found, whole = Blend(strength).fit(stack), Blend(strength).fit(told)
    assert found.weights_[1, 0] == 0
    np.testing.assert_allclose(found.weights_.sum(axis=1), whole.weights_.sum(axis=1))
    np.testing.assert_allclose(
        found.predict(stack.columns, stack.task), whole.predict(told.columns, told.task), atol=1e-12
    )


def test_all_labels_of_an_example_are_in_one_half():
    example = np.repeat(np.arange(50), 3)
    half = parts(example, 2, seed=3)
    assert set(half) == {0, 1}
    assert (half.reshape(50, 3) == half[::3, None]).all()


def test_shares_of_models_add_up_to_what_the_blend_says():
    rng = np.random.default_rng(0)
    owner = np.array([0, 1, 1, 0, 2, 1])
    holds = np.array([True, True, False, True, False, True])
    weights = np.array([0.5, 0.2, 0.4])  # the third learner does not hold the task
    anchored = np.where(holds, rng.normal(size=(50, 6)), np.nan)
    blend = Blend()
    blend.weights_ = weights[None]
    expected = blend.predict(role_means(anchored, owner, 3), np.zeros(50, dtype=int))
    shares = model_shares(holds, owner, weights)
    np.testing.assert_allclose(np.nan_to_num(anchored) @ shares, expected, rtol=1e-12)
    np.testing.assert_array_equal(shares[~holds], 0)
    np.testing.assert_allclose(shares.sum(), weights.sum())
    np.testing.assert_array_equal(model_shares(np.zeros(6, dtype=bool), owner, weights), 0)
