from ._select import select_groups as select_groups
from .proof._bounds import selfish_bound as selfish_bound
from .proof._exact import exact_groups as exact_groups
from .search._baselines import (
    pairwise_scores as pairwise_scores,
    random_groupings as random_groupings,
    single_tasks as single_tasks,
    spectral_clusters as spectral_clusters,
    together as together,
)
from .search._local import greedy_groups as greedy_groups
from .search._study import (
    SearchResult as SearchResult,
    pareto_front as pareto_front,
    search_groups as search_groups,
)
from .value import (
    AffinityValue as AffinityValue,
    Constraints as Constraints,
    Group as Group,
    Grouping as Grouping,
    GroupingResult as GroupingResult,
    GroupValue as GroupValue,
    LinearValue as LinearValue,
    Objective as Objective,
    PredictedValue as PredictedValue,
    as_matrix as as_matrix,
    fill_unknown_pairs as fill_unknown_pairs,
    grouping_result as grouping_result,
    simplest as simplest,
)
