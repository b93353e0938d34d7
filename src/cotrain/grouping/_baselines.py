"""Groupings to compare with: the obvious ones, random ones, and clusterings."""

import numpy as np
from scipy.linalg import eigh
from sklearn.cluster import KMeans, SpectralClustering

from cotrain.grouping._objective import Grouping
from cotrain.grouping._values import Floats, GroupValue, without_diagonal


def together(n_tasks: int) -> Grouping:
    """Return all tasks in one group."""
    return (tuple(range(n_tasks)),)


def single_tasks(n_tasks: int) -> Grouping:
    """Return every task alone."""
    return tuple((task,) for task in range(n_tasks))


def random_groupings(like: Grouping, n_tasks: int, *, count: int, seed: int) -> list[Grouping]:
    """Return `count` groupings of the shape of `like`: its tasks under random new names.

    Group sizes and overlaps stay the same; every task stays covered.
    """
    rng = np.random.default_rng(seed)
    shuffled = []
    for _ in range(count):
        names = rng.permutation(n_tasks)
        groups = [tuple(sorted(int(names[task]) for task in group)) for group in like]
        shuffled.append(tuple(sorted(groups)))
    return shuffled


def pairwise_scores(value: GroupValue) -> Floats:
    """Return the gain of i from j in a group of two over i alone, shape (n_tasks, n_tasks).

    Where a task has no score alone, the score in the pair itself; a pair without a score counts as
    no gain.
    """
    n_tasks = value.n_tasks
    eye = np.eye(n_tasks, dtype=bool)
    pairs = (eye[:, None, :] | eye[None, :, :]).reshape(n_tasks * n_tasks, n_tasks)
    in_pair = value(pairs).reshape(n_tasks, n_tasks, n_tasks)
    gains = np.array([in_pair[i, :, i] for i in range(n_tasks)])
    alone = value(eye)[eye]
    gains -= np.where(np.isnan(alone), 0, alone)[:, None]
    return without_diagonal("pair scores", np.where(np.isnan(gains), 0, gains))


def affinity_clusters(value: GroupValue, n_groups: int, *, seed: int) -> Grouping:
    """Return a spectral clustering of the pairwise gains into `n_groups` groups."""
    return spectral_clusters(pairwise_scores(value), n_groups, seed=seed)


def spectral_clusters(affinity: Floats, n_groups: int, *, seed: int) -> Grouping:
    """Return scikit-learn's spectral clustering of the symmetrised affinity.

    The affinity is shifted to be non-negative, as the graph Laplacian needs.
    """
    similarity = _symmetric(affinity, n_groups)
    if n_groups == len(similarity):  # nothing to cluster, and too few dimensions to embed it
        return tuple((task,) for task in range(n_groups))
    similarity = similarity - min(similarity.min(), 0.0) + 1e-9
    np.fill_diagonal(similarity, similarity.max())
    clustering = SpectralClustering(n_groups, affinity="precomputed", random_state=seed)
    return _partition(clustering.fit_predict(similarity))


def relaxed_clusters(affinity: Floats, n_groups: int, *, seed: int, steps: int = 500) -> Grouping:
    """Return the rounding of a semidefinite relaxation of clustering.

    Peng and Wei (2007), used for task groups by arXiv 2306.14009: maximise <A, X> over X
    positive semidefinite and non-negative, rows summing to 1, trace `n_groups`. Solved by
    alternating projections of an ascent step; rounded by k-means on the rows of X.
    """
    similarity = _symmetric(affinity, n_groups)
    similarity = similarity / max(np.abs(similarity).max(), 1e-300)
    n_tasks = len(similarity)
    solution = np.full((n_tasks, n_tasks), (1 - (n_groups - 1) / max(n_tasks - 1, 1)) / n_tasks)
    shares = np.zeros((2, n_tasks, n_tasks))
    # ADMM with two copies: one spectral (trace, semidefinite), one entrywise (sign, row sums).
    for _ in range(steps):
        spectral = _to_spectrum(solution - shares[0], n_groups)
        entrywise = np.maximum(solution - shares[1], 0)
        solution = _to_row_sums(
            (spectral + shares[0] + entrywise + shares[1] + similarity / n_tasks) / 2
        )
        shares[0] += spectral - solution
        shares[1] += entrywise - solution
    rounding = KMeans(n_groups, n_init=20, random_state=seed)
    return _partition(rounding.fit_predict(solution))


def _to_spectrum(matrix: Floats, trace: int) -> Floats:
    """Return the nearest symmetric matrix with eigenvalues in [0, 1] that sum to `trace`."""
    values, vectors = eigh((matrix + matrix.T) / 2)
    low, high = values.min() - 1.0, values.max()
    for _ in range(60):
        shift = (low + high) / 2
        low, high = (shift, high) if np.clip(values - shift, 0, 1).sum() > trace else (low, shift)
    return (vectors * np.clip(values - low, 0, 1)) @ vectors.T


def _to_row_sums(matrix: Floats) -> Floats:
    """Return the nearest symmetric matrix whose rows sum to 1."""
    matrix = (matrix + matrix.T) / 2
    n_tasks = len(matrix)
    lack = 1 - matrix.sum(axis=1)
    shift = (lack - lack.sum() / (2 * n_tasks)) / n_tasks
    return matrix + shift[:, None] + shift[None, :]


def _symmetric(affinity: Floats, n_groups: int) -> Floats:
    affinity = without_diagonal("affinity", affinity)
    if not 1 <= n_groups <= len(affinity):
        raise ValueError(f"n_groups must be between 1 and {len(affinity)}, got {n_groups}")
    return (affinity + affinity.T) / 2


def _partition(labels: np.ndarray) -> Grouping:
    groups = [
        tuple(int(task) for task in np.flatnonzero(labels == label)) for label in np.unique(labels)
    ]
    return tuple(sorted(groups))
