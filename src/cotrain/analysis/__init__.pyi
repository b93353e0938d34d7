from ._affinity import (
    affinity_figures as affinity_figures,
    affinity_steps as affinity_steps,
    affinity_table as affinity_table,
)
from ._curves import (
    MANY_TASKS as MANY_TASKS,
    cluster_table as cluster_table,
    task_clusters as task_clusters,
)
from ._costs import cost_table as cost_table, grid_fits as grid_fits
from ._curves import (
    curve_points as curve_points,
    curve_table as curve_table,
    pairwise_tables as pairwise_tables,
    transfer_table as transfer_table,
)
from ._subsets import subset_relevance as subset_relevance
from ._group_value import group_value as group_value, subset_score_table as subset_score_table
from ._curves import LabelTables as LabelTables
from ._observations import (
    GridScores as GridScores,
    Observations as Observations,
    SubsetScores as SubsetScores,
)
from ._placebo import skilled_tasks as skilled_tasks, withhold as withhold
from ._rounds import (
    make_rounds as make_rounds,
    next_round as next_round,
    trained_plan as trained_plan,
)
from ._subsets import (
    SubsetAnalysis as SubsetAnalysis,
    candidates as candidates,
    relevance_table as relevance_table,
)
