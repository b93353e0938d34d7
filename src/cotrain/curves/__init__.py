"""Multi-task learning curves: what one label of a task is worth to itself and to the others."""

from cotrain.curves._acquire import STRATEGIES, LabelPath, LabelState, simulate_acquisition
from cotrain.curves._bands import curve_bands
from cotrain.curves._choose import FormChoice, choose_form
from cotrain.curves._curve import LearningCurve
from cotrain.curves._design import next_fits
from cotrain.curves._effects import Effects, domain_effects, pairwise_effects, together_effects
from cotrain.curves._extrapolate import Extrapolation, extrapolate
from cotrain.curves._labels import (
    LabelPlan,
    LabelWorth,
    label_worth,
    recommend_labels,
    task_weights,
)
from cotrain.curves._many import CurveFits, fit_curves
from cotrain.curves._pairwise import PairwiseCurves, fit_pairwise_curves
from cotrain.curves._transfer import TransferIntervals, TransferModel
from cotrain.curves._transfer_cv import ShrinkageChoice

__all__ = [
    "STRATEGIES",
    "CurveFits",
    "Effects",
    "Extrapolation",
    "FormChoice",
    "LabelPath",
    "LabelPlan",
    "LabelState",
    "LabelWorth",
    "LearningCurve",
    "PairwiseCurves",
    "ShrinkageChoice",
    "TransferIntervals",
    "TransferModel",
    "choose_form",
    "curve_bands",
    "domain_effects",
    "extrapolate",
    "fit_curves",
    "fit_pairwise_curves",
    "label_worth",
    "next_fits",
    "pairwise_effects",
    "recommend_labels",
    "simulate_acquisition",
    "task_weights",
    "together_effects",
]
