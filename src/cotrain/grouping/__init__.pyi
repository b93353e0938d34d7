from ._select import select_groups
from .proof._bounds import selfish_bound
from .proof._exact import exact_groups
from .search._baselines import (
    pairwise_scores,
    random_groupings,
    single_tasks,
    spectral_clusters,
    together,
)
from .search._local import greedy_groups
from .search._study import SearchResult, pareto_front, search_groups
from .value import (
    AffinityValue,
    Constraints,
    Group,
    Grouping,
    GroupingResult,
    GroupValue,
    LinearValue,
    Objective,
    PredictedValue,
    as_matrix,
    fill_unknown_pairs,
    grouping_result,
    simplest,
)

__all__ = [
    "AffinityValue",
    "Constraints",
    "Group",
    "GroupValue",
    "Grouping",
    "GroupingResult",
    "LinearValue",
    "Objective",
    "PredictedValue",
    "SearchResult",
    "as_matrix",
    "exact_groups",
    "fill_unknown_pairs",
    "greedy_groups",
    "grouping_result",
    "pairwise_scores",
    "pareto_front",
    "random_groupings",
    "search_groups",
    "select_groups",
    "selfish_bound",
    "simplest",
    "single_tasks",
    "spectral_clusters",
    "together",
]
