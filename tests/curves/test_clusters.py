import numpy as np
import pytest
from scipy.sparse import csr_array

from cotrain.analysis import task_clusters
from cotrain.curves import cluster_effects, pairwise_effects

KIN = [0, 1, 2, 3]


def study(effect: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four repeats of 30 tasks, of which the first four help each other; a fit has luck."""
    rng = np.random.default_rng(seed)
    baseline = 0.8 + rng.normal(0, 0.01, (4, 1, 30))
    luck = rng.normal(0, 0.01, (4, 1, 30, 1))
    augmented = 0.8 + luck + rng.normal(0, 0.01, (4, 1, 30, 30))
    augmented[..., np.ix_(KIN, KIN)[0], np.ix_(KIN, KIN)[1]] += effect
    return baseline, augmented


def test_a_cluster_is_decided_where_its_pairs_are_not():
    scores = study(0.015, seed=2)
    found = cluster_effects(*scores, [KIN, *([at, at + 1, at + 2] for at in range(4, 28, 3))])
    assert found.verdict.tolist() == ["helps", *["undecided"] * 8]
    assert found.low[0] < 0.015 < found.high[0]
    assert not np.isin(pairwise_effects(*scores).verdict, ("helps", "hurts")).any()


def test_clusters_of_no_effect_are_seldom_decided():
    clusters = [list(range(first, first + 3)) for first in range(0, 30, 3)]
    decided = [
        np.isin(cluster_effects(*study(0.0, seed), clusters).verdict, ("helps", "hurts")).any()
        for seed in range(40)
    ]
    assert sum(decided) <= 6  # at 5 % more are found once in 70


def test_what_a_source_gives_to_all_and_a_target_takes_from_all_is_no_matter_of_the_cluster():
    baseline, augmented = study(0.012)
    rng = np.random.default_rng(1)
    shifted = augmented + rng.normal(size=(30, 1)) + rng.normal(size=30)
    before, after = (cluster_effects(baseline, scores, [KIN]) for scores in (augmented, shifted))
    assert after.effect == pytest.approx(before.effect)


def test_a_cluster_has_two_tasks():
    with pytest.raises(ValueError, match="at least two tasks each, got \\[3\\]"):
        cluster_effects(*study(0.0), [[1, 2], [3]])


def test_tasks_whose_labels_correlate_are_one_cluster():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(300, 1))
    values = rng.normal(size=(300, 6))
    values[:, :3] = common + 0.2 * values[:, :3]
    values[:, 5] = values[:, 4]  # the same, but hardly ever known together
    known = np.ones((300, 6), dtype=bool)
    known[:290, 5] = False
    row, task = np.nonzero(known)
    labels = csr_array((values[row, task].astype(np.float32), (row, task)), shape=values.shape)
    assert task_clusters(labels, np.ones(300, dtype=bool)) == [[0, 1, 2]]
    assert task_clusters(labels, np.arange(300) < 10) == []
