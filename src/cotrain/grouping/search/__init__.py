"""Searches for a good grouping: Optuna's, local moves, and the obvious ones to compare with."""

from cotrain.grouping.search._baselines import (
    affinity_clusters,
    pairwise_scores,
    random_groupings,
    single_tasks,
    spectral_clusters,
    together,
)
from cotrain.grouping.search._local import greedy_groups, improve
from cotrain.grouping.search._study import SearchResult, pareto_front, search_groups

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
