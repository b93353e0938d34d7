"""The recommended portfolio against its rivals: blends, costs, skill, who serves whom."""

from cotrain.comparison._blend import Blend, model_shares
from cotrain.comparison._compare import Comparison, compare_groupings
from cotrain.comparison._conformal import COVERAGES, interval_table
from cotrain.comparison._costs import way_costs
from cotrain.comparison._evaluate import WayScores, natural_scores, score_portfolio, score_ways
from cotrain.comparison._models import Model, Way, distinct, draws, models_of, roles_of
from cotrain.comparison._outputs import Outputs, outputs_of, repeat_outputs
from cotrain.comparison._portfolio import Candidate, Choice, choose_portfolio
from cotrain.comparison._tables import (
    candidate_table,
    comparison_tables,
    served_table,
    skill_table,
    weight_table,
)
from cotrain.comparison._ways import make_candidates, make_ways

__all__ = [
    "COVERAGES",
    "Blend",
    "Candidate",
    "Choice",
    "Comparison",
    "Model",
    "Outputs",
    "Way",
    "WayScores",
    "candidate_table",
    "choose_portfolio",
    "compare_groupings",
    "comparison_tables",
    "distinct",
    "draws",
    "interval_table",
    "make_candidates",
    "make_ways",
    "model_shares",
    "models_of",
    "natural_scores",
    "outputs_of",
    "repeat_outputs",
    "roles_of",
    "score_portfolio",
    "score_ways",
    "served_table",
    "skill_table",
    "way_costs",
    "weight_table",
]
