from ._affinity import affinity_figures, affinity_steps, affinity_table
from ._clusters import MANY_TASKS, cluster_table, task_clusters
from ._costs import cost_table, grid_fits
from ._curves import (
    curve_points,
    curve_table,
    pairwise_curve_table,
    pairwise_tables,
    transfer_table,
)
from ._direct import subset_relevance
from ._group_value import group_value, subset_score_table
from ._labels import LabelTables
from ._observations import GridScores, Observations, SubsetScores
from ._placebo import skilled_tasks, withhold
from ._rounds import make_rounds, next_round, trained_plan
from ._subsets import SubsetAnalysis, candidates, relevance_table

__all__ = [
    "MANY_TASKS",
    "GridScores",
    "LabelTables",
    "Observations",
    "SubsetAnalysis",
    "SubsetScores",
    "affinity_figures",
    "affinity_steps",
    "affinity_table",
    "candidates",
    "cluster_table",
    "cost_table",
    "curve_points",
    "curve_table",
    "grid_fits",
    "group_value",
    "make_rounds",
    "next_round",
    "pairwise_curve_table",
    "pairwise_tables",
    "relevance_table",
    "skilled_tasks",
    "subset_relevance",
    "subset_score_table",
    "task_clusters",
    "trained_plan",
    "transfer_table",
    "withhold",
]
