"""Which tasks to train together: the value of a grouping, its search, and its proof."""

from cotrain.grouping._baselines import (
    affinity_clusters,
    pairwise_scores,
    random_groupings,
    single_tasks,
    spectral_clusters,
    together,
)
from cotrain.grouping._bounds import selfish_bound, task_bounds
from cotrain.grouping._compare import Comparison, compare_groupings
from cotrain.grouping._constraints import Constraints, feasible_cover
from cotrain.grouping._exact import exact_groups
from cotrain.grouping._local import greedy_groups
from cotrain.grouping._objective import (
    Group,
    Grouping,
    GroupingResult,
    Objective,
    as_matrix,
    grouping_result,
)
from cotrain.grouping._search import SearchResult, pareto_front, search_groups
from cotrain.grouping._select import select_groups
from cotrain.grouping._semidefinite import semidefinite_bound
from cotrain.grouping._spectral import spectral_bound
from cotrain.grouping._unknown import fill_unknown_pairs
from cotrain.grouping._values import AffinityValue, GroupValue, LinearValue, PredictedValue

__all__ = [
    "AffinityValue",
    "Comparison",
    "Constraints",
    "Group",
    "GroupValue",
    "Grouping",
    "GroupingResult",
    "LinearValue",
    "Objective",
    "PredictedValue",
    "SearchResult",
    "affinity_clusters",
    "as_matrix",
    "compare_groupings",
    "exact_groups",
    "feasible_cover",
    "fill_unknown_pairs",
    "greedy_groups",
    "grouping_result",
    "pairwise_scores",
    "pareto_front",
    "random_groupings",
    "search_groups",
    "select_groups",
    "selfish_bound",
    "semidefinite_bound",
    "single_tasks",
    "spectral_bound",
    "spectral_clusters",
    "task_bounds",
    "together",
]
