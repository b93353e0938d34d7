from ._blend import Blend, mixed, model_shares, role_means
from ._compare import compare_groupings
from ._conformal import COVERAGES, interval_table
from ._contest import RECOMMENDED, Contest, Judged
from ._costs import way_costs
from ._evaluate import natural_scores, score_portfolio, score_ways
from ._models import Model, Phase, Way, distinct, draws, roles_of
from ._outputs import Outputs, repeat_outputs
from ._portfolio import Candidate, Choice, choose_portfolio
from ._tables import candidate_table, comparison_tables, served_table, skill_table, weight_table
from ._ways import make_candidates, make_ways

__all__ = [
    "COVERAGES",
    "RECOMMENDED",
    "Blend",
    "Candidate",
    "Choice",
    "Contest",
    "Judged",
    "Model",
    "Outputs",
    "Phase",
    "Way",
    "candidate_table",
    "choose_portfolio",
    "compare_groupings",
    "comparison_tables",
    "distinct",
    "draws",
    "interval_table",
    "make_candidates",
    "make_ways",
    "mixed",
    "model_shares",
    "natural_scores",
    "repeat_outputs",
    "role_means",
    "roles_of",
    "score_portfolio",
    "score_ways",
    "served_table",
    "skill_table",
    "way_costs",
    "weight_table",
]
