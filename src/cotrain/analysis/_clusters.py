"""Tasks whose labels go together, and what they do to each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array
from scipy.spatial.distance import squareform

from cotrain.analysis._observations import GridScores
from cotrain.curves import cluster_effects
from cotrain.tables import TABLES

# Below so many tasks pairs are few enough to be asked one by one.
MANY_TASKS = 20
# Tasks are one cluster down to this mean correlation; chosen on KIBA, docs/results/surrogates.md.
CORRELATED = 0.7
# Examples that count against a correlation: of few shared ones it says little.
_FEW_SHARED = 20


def task_clusters(
    labels: csr_array, chosen: np.ndarray, least: float = CORRELATED
) -> list[list[int]]:
    """Clusters of two and more tasks whose labels correlate over the `chosen` examples.

    Average linkage of Pearson's correlations over the examples that both tasks have labels of, cut
    at a mean of `least`; a correlation over n of them is taken as n / (n + 20) of itself, and as 0
    over fewer than 20. `labels` are (N, K), `chosen` (N,) without those that scores are reported
    on.
    """
    values = labels[np.flatnonzero(chosen)].astype(np.float64)
    known = values.copy()
    known.data[:] = 1.0
    mean = values.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    values.data -= mean[values.indices]
    pairs = (known, known), (values, known), (values.power(2), known), (values, values)
    shared, total, square, cross = (np.asarray((one.T @ other).toarray()) for one, other in pairs)
    n = np.maximum(shared, 1)
    spread = square - total**2 / n
    both = spread * spread.T
    correlation = (cross - total * total.T / n) / np.sqrt(np.where(both > 1e-12, both, np.inf))
    correlation = np.where(shared >= _FEW_SHARED, correlation * n / (n + _FEW_SHARED), 0.0)
    distance = np.clip(1 - correlation, 0, 2)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    cluster = fcluster(tree, 1 - least, "distance")
    found = [np.flatnonzero(cluster == number).tolist() for number in np.unique(cluster)]
    return [tasks for tasks in found if len(tasks) > 1]


def cluster_table(
    grid: GridScores, clusters: Sequence[Sequence[int]], tasks: Sequence[str], fdr: float
) -> pd.DataFrame:
    """What a fold more of a member does to another, one row a cluster, the largest effect first."""
    if not clusters:
        return TABLES["clusters"].empty()
    found = cluster_effects(grid.baseline, grid.augmented, clusters, fdr=fdr)
    columns = ("effect", "low", "high", "p_value", "verdict")
    values = {name: getattr(found, name) for name in columns}
    names = [" + ".join(tasks[task] for task in cluster) for cluster in clusters]
    table = pd.DataFrame({"tasks": names, "n_tasks": [*map(len, clusters)], **values})
    return table.sort_values("effect", ascending=False, kind="stable", ignore_index=True)
