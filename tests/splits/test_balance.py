import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from cotrain.splits import group_folds


def random_folds(labels: csr_array, n_folds: int, seed: int) -> np.ndarray:
    return group_folds(np.arange(labels.shape[0]), labels, n_folds, seed)


def labels_with_gaps(n_examples: int, n_tasks: int, seed: int, rate: float = 0.5) -> csr_array:
    rng = np.random.default_rng(seed)
    row, column = np.nonzero(rng.random((n_examples, n_tasks)) < rate)
    values = (rng.random(row.size) < 0.4).astype(np.float32)
    return csr_array((values, (row, column)), shape=(n_examples, n_tasks))


def counts(labels: csr_array, folds: np.ndarray, n_folds: int, value: int) -> np.ndarray:
    """Labels equal to `value` by (task, fold), counted one by one."""
    result = np.zeros((labels.shape[1], n_folds), dtype=int)
    coo = labels.tocoo()
    for row, task, label in zip(coo.row, coo.col, coo.data, strict=True):
        result[task, folds[row]] += label == value
    return result


@given(st.integers(0, 10**6), st.integers(3, 6), st.integers(1, 5))
def test_no_group_crosses_folds_and_every_example_has_one(seed, n_folds, n_tasks):
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(n_folds), rng.integers(0, 15, 40)])
    folds = group_folds(groups, labels_with_gaps(groups.size, n_tasks, seed), n_folds, seed)
    assert folds.shape == groups.shape
    assert set(folds) <= set(range(n_folds))
    for group in set(groups):
        assert len(set(folds[groups == group])) == 1


@given(st.integers(0, 10**6))
def test_folds_do_not_depend_on_the_order_of_examples(seed):
    rng = np.random.default_rng(seed)
    groups, labels = rng.integers(0, 20, 60), labels_with_gaps(60, 3, seed)
    order = rng.permutation(60)
    folds = group_folds(groups, labels, 4, seed)
    permuted = group_folds(groups[order], csr_array(labels[order]), 4, seed)
    np.testing.assert_array_equal(permuted, folds[order])


def test_same_seed_same_folds_other_seed_other_folds():
    labels = labels_with_gaps(200, 4, seed=0)
    folds = random_folds(labels, 5, seed=1)
    np.testing.assert_array_equal(random_folds(labels, 5, seed=1), folds)
    other = random_folds(labels, 5, seed=2)
    together = folds[:, None] == folds
    assert (together != (other[:, None] == other)).mean() > 0.1


def test_single_examples_are_balanced_per_task_and_class():
    labels = labels_with_gaps(600, 6, seed=3, rate=0.3)
    folds = random_folds(labels, 5, seed=0)
    assert np.ptp(np.bincount(folds)) <= 2
    for value in (0, 1):
        spread = counts(labels, folds, 5, value)
        assert np.ptp(spread, axis=1).max() <= 3


def test_stored_zeros_count_as_labels():
    # Task 0 has one positive and nine negatives; without the zeros nothing would spread them.
    values = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], dtype=np.float32)
    rows = np.arange(10)
    labels = csr_array((values, (rows, np.zeros(10, dtype=int))), shape=(40, 1))
    folds = random_folds(labels, 3, seed=0)
    np.testing.assert_array_equal(counts(labels, folds, 3, 0), [[3, 3, 3]])


def test_real_values_are_balanced_around_their_median():
    values = np.random.default_rng(0).normal(size=90).astype(np.float32)
    labels = csr_array(values[:, None])
    folds = random_folds(labels, 3, seed=0)
    high = np.bincount(folds[values > np.median(values)], minlength=3)
    np.testing.assert_array_equal(high, [15, 15, 15])


def test_reaches_an_even_split_that_exists():
    # Groups of 4, 3, 3, 2 in two folds: greedy by size alone gives 4+2 and 3+3, which is even.
    groups = np.repeat([0, 1, 2, 3], [4, 3, 3, 2])
    folds = group_folds(groups, labels_with_gaps(12, 1, seed=0, rate=1e-9), 2, seed=0)
    np.testing.assert_array_equal(np.bincount(folds), [6, 6])


def test_too_few_groups_are_refused():
    labels = labels_with_gaps(10, 1, seed=0)
    with pytest.raises(ValueError, match=r"at most the number of groups, 2, got 3; take fewer"):
        group_folds([0, 1] * 5, labels, 3, seed=0)


def test_sizes_must_fit():
    with pytest.raises(ValueError, match="must have 10 entries"):
        group_folds([0, 1, 2], labels_with_gaps(10, 1, seed=0), 2, seed=0)


def test_folds_are_the_same_on_every_processor():
    """Scores of folds tie all the time; sums of floats, as BLAS takes them, would break ties."""
    code = (
        "import numpy as np; from scipy.sparse import csr_array; from cotrain.splits import group_folds\n"
        "rng = np.random.default_rng(0); n = 6000; groups = rng.integers(0, 5000, n).astype(str)\n"
        "labels = csr_array(np.where(rng.random((n, 30)) < 0.2, rng.integers(1, 3, (n, 30)), 0))\n"
        "print(*group_folds(groups, labels, 10, 0))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"OPENBLAS_CORETYPE": kind},
            capture_output=True, text=True, check=True,
        ).stdout
        for kind in ("Haswell", "Sandybridge", "SkylakeX")
    }  # fmt: skip
    assert len(found) == 1
    assert len(found.pop().split()) == 6000
