from ._constraints import Constraints as Constraints, feasible_cover as feasible_cover
from ._groups import (
    AffinityValue as AffinityValue,
    Floats as Floats,
    GroupValue as GroupValue,
    LinearValue as LinearValue,
    Members as Members,
    PredictedValue as PredictedValue,
    fill_unknown_pairs as fill_unknown_pairs,
    without_diagonal as without_diagonal,
)
from ._objective import (
    Group as Group,
    Grouping as Grouping,
    Objective as Objective,
    as_groups as as_groups,
    as_matrix as as_matrix,
)
from ._objective import (
    GroupingResult as GroupingResult,
    grouping_result as grouping_result,
    simplest as simplest,
)
