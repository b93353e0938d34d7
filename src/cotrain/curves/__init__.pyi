from ._acquire import STRATEGIES, LabelPath, LabelState, simulate_acquisition
from ._bands import curve_bands
from ._choose import FormChoice, choose_form
from ._curve import LearningCurve
from ._design import next_fits
from ._effects import Effects, domain_effects, pairwise_effects, together_effects
from ._extrapolate import Extrapolation, extrapolate
from ._labels import LabelPlan, LabelWorth, label_worth, recommend_labels, task_weights
from ._many import CurveFits, fit_curves
from ._pairwise import PairwiseCurves, fit_pairwise_curves
from ._transfer import TransferIntervals, TransferModel
from ._transfer_cv import ShrinkageChoice

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
