from ._constraints import Constraints, feasible_cover
from ._groups import (
    AffinityValue,
    Floats,
    GroupValue,
    LinearValue,
    Members,
    PredictedValue,
    fill_unknown_pairs,
    without_diagonal,
)
from ._objective import Group, Grouping, Objective, as_groups, as_matrix
from ._result import GroupingResult, grouping_result, simplest

__all__ = [
    "AffinityValue",
    "Constraints",
    "Floats",
    "Group",
    "GroupValue",
    "Grouping",
    "GroupingResult",
    "LinearValue",
    "Members",
    "Objective",
    "PredictedValue",
    "as_groups",
    "as_matrix",
    "feasible_cover",
    "fill_unknown_pairs",
    "grouping_result",
    "simplest",
    "without_diagonal",
]
