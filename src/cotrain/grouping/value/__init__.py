"""What a grouping is worth: values of groups, rules, the objective of every search."""

from cotrain.grouping.value._blended import BlendedValue
from cotrain.grouping.value._constraints import Constraints, feasible_cover, is_feasible
from cotrain.grouping.value._groups import (
    AffinityValue,
    Floats,
    GroupValue,
    LinearValue,
    Members,
    PredictedValue,
    without_diagonal,
)
from cotrain.grouping.value._objective import Group, Grouping, Objective, as_groups, as_matrix
from cotrain.grouping.value._result import GroupingResult, grouping_result, simplest
from cotrain.grouping.value._table import GroupTable
from cotrain.grouping.value._unknown import fill_unknown_pairs

__all__ = [
    "AffinityValue",
    "BlendedValue",
    "Constraints",
    "Floats",
    "Group",
    "GroupTable",
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
    "is_feasible",
    "simplest",
    "without_diagonal",
]
