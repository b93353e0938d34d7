import numpy as np
import pytest

from cotrain.grouping import (
    AffinityValue,
    LinearValue,
    pairwise_scores,
    random_groupings,
    single_tasks,
    spectral_clusters,
    together,
)

LABEL = np.arange(12) % 3
PLANTED = np.where(LABEL[:, None] == LABEL, 1.0, -0.2) + np.random.default_rng(0).normal(
    0, 0.1, (12, 12)
)
TRUTH = tuple(tuple(range(first, 12, 3)) for first in range(3))


def test_planted_clusters_are_found() -> None:
    assert spectral_clusters(PLANTED, 3, seed=0) == TRUTH


def test_clusters_of_a_value_are_those_of_its_pairs() -> None:
    value = LinearValue(np.random.default_rng(1).normal(size=12), PLANTED)
    assert spectral_clusters(pairwise_scores(value), 3, seed=0) == TRUTH


def test_pairwise_scores_are_gains_over_training_alone() -> None:
    linear = LinearValue(np.arange(12.0), PLANTED)
    off = ~np.eye(12, dtype=bool)
    assert pairwise_scores(linear)[off] == pytest.approx(PLANTED[off])
    assert pairwise_scores(AffinityValue(PLANTED))[off] == pytest.approx(PLANTED[off])
    with_alone = AffinityValue(PLANTED, np.full(12, 0.5))
    assert pairwise_scores(with_alone)[off] == pytest.approx(PLANTED[off] - 0.5)


def test_random_groupings_keep_the_shape_and_cover_every_task() -> None:
    like = ((0, 1, 2), (2, 3), (4,))
    found = random_groupings(like, 5, count=20, seed=0)
    for grouping in found:
        assert sorted(map(len, grouping)) == [1, 2, 3]
        assert set().union(*grouping) == set(range(5))
    assert len(set(found)) > 10
    assert found == random_groupings(like, 5, count=20, seed=0)


def test_the_obvious_ones() -> None:
    assert together(3) == ((0, 1, 2),)
    assert single_tasks(3) == ((0,), (1,), (2,))


def test_too_many_clusters() -> None:
    with pytest.raises(ValueError, match="n_groups must be between 1 and 12, got 13"):
        spectral_clusters(PLANTED, 13, seed=0)
