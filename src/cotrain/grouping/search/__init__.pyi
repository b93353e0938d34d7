from ._baselines import (
    affinity_clusters,
    pairwise_scores,
    random_groupings,
    single_tasks,
    spectral_clusters,
    together,
)
from ._local import greedy_groups, improve
from ._study import SearchResult, pareto_front, search_groups

__all__ = [
    "SearchResult",
    "affinity_clusters",
    "greedy_groups",
    "improve",
    "pairwise_scores",
    "pareto_front",
    "random_groupings",
    "search_groups",
    "single_tasks",
    "spectral_clusters",
    "together",
]
