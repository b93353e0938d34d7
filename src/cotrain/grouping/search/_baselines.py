"""Groupings to compare with: the obvious ones, random ones, and clusterings."""

import numpy as np

from cotrain.grouping.value import (
    Floats,
    Grouping,
    GroupValue,
    as_groups,
    as_matrix,
    without_diagonal,
)


def together(n_tasks: int) -> Grouping:
    return (tuple(range(n_tasks)),)


def single_tasks(n_tasks: int) -> Grouping:
    return tuple((task,) for task in range(n_tasks))


def random_groupings(like: Grouping, n_tasks: int, *, count: int, seed: int) -> list[Grouping]:
    """Return `count` groupings of the shape of `like`: its tasks under random new names.

    Group sizes and overlaps stay the same; every task stays covered.
    """
    rng, members = np.random.default_rng(seed), as_matrix(like, n_tasks)
    return [as_groups(members[:, rng.permutation(n_tasks).argsort()]) for _ in range(count)]


def pairwise_scores(value: GroupValue) -> Floats:
    """Return the gain of i from j in a group of two over i alone, shape (n_tasks, n_tasks).

    Where a task has no score alone, the score in the pair itself; a pair without a score counts as
    no gain.
    """
    eye = np.eye(value.n_tasks, dtype=bool)
    in_pair = np.array([value.scores(eye | one)[:, task] for task, one in enumerate(eye)])
    alone = value.scores(eye)[eye]
    gains = in_pair - np.where(np.isnan(alone), 0, alone)[:, None]
    return without_diagonal("pair scores", np.where(np.isnan(gains), 0, gains))


def spectral_clusters(affinity: Floats, n_groups: int, *, seed: int) -> Grouping:
    """Return scikit-learn's spectral clustering of the symmetrised affinity.

    The affinity is shifted to be non-negative, as the graph Laplacian needs.
    """
    affinity = without_diagonal("affinity", affinity)
    n_tasks = len(affinity)
    if not 1 <= n_groups <= n_tasks:
        raise ValueError(f"n_groups must be between 1 and {n_tasks}, got {n_groups}")
    if n_groups == n_tasks:  # nothing to cluster, and too few dimensions to embed it
        return single_tasks(n_tasks)
    similarity = (affinity + affinity.T) / 2
    similarity = similarity - min(similarity.min(), 0.0) + 1e-9
    np.fill_diagonal(similarity, similarity.max())
    # As long to import as all else; a study without affinities does without.
    from sklearn.cluster import SpectralClustering

    clustering = SpectralClustering(n_groups, affinity="precomputed", random_state=seed)
    labels = clustering.fit_predict(similarity)
    return as_groups(labels == np.unique(labels)[:, None])
