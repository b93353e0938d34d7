from ._blend import (
    Blend as Blend,
    mixed as mixed,
    model_shares as model_shares,
    role_means as role_means,
)
from ._tables import COVERAGES as COVERAGES, interval_table as interval_table
from ._contest import RECOMMENDED as RECOMMENDED, Contest as Contest, Judged as Judged
from ._tables import way_costs as way_costs
from ._evaluate import (
    natural_scores as natural_scores,
    score_portfolio as score_portfolio,
    score_ways as score_ways,
)
from ._models import (
    Model as Model,
    Phase as Phase,
    Way as Way,
    distinct as distinct,
    draws as draws,
    roles_of as roles_of,
)
from ._outputs import Outputs as Outputs, repeat_outputs as repeat_outputs
from ._portfolio import (
    Candidate as Candidate,
    Choice as Choice,
    choose_portfolio as choose_portfolio,
)
from ._tables import (
    candidate_table as candidate_table,
    compare_groupings as compare_groupings,
    comparison_tables as comparison_tables,
    served_table as served_table,
    skill_table as skill_table,
    weight_table as weight_table,
)
from ._contest import make_candidates as make_candidates, make_ways as make_ways
