"""Multi-task learning curves: what one label of a task is worth to itself and to the others."""

from cotrain.curves._curve import LearningCurve
from cotrain.curves._effects import Effects, domain_effects, pairwise_effects, together_effects
from cotrain.curves._many import CurveFits, fit_curves
from cotrain.curves._pairwise import PairwiseCurves, fit_pairwise_curves

__all__ = [
    "CurveFits",
    "Effects",
    "LearningCurve",
    "PairwiseCurves",
    "domain_effects",
    "fit_curves",
    "fit_pairwise_curves",
    "pairwise_effects",
    "together_effects",
]
