from ._bands import curve_bands
from ._choose import FormChoice, choose_form, foretell
from ._clusters import cluster_effects
from ._curve import LearningCurve
from ._effects import Effects, domain_effects, pairwise_effects, together_effects
from ._labels import LabelWorth, label_worth
from ._many import CurveFits, fit_curves
from ._pairwise import PairwiseCurves, fit_pairwise_curves
from ._transfer import TransferIntervals, TransferModel
from ._transfer_cv import ShrinkageChoice

__all__ = [
    "CurveFits",
    "Effects",
    "FormChoice",
    "LabelWorth",
    "LearningCurve",
    "PairwiseCurves",
    "ShrinkageChoice",
    "TransferIntervals",
    "TransferModel",
    "choose_form",
    "cluster_effects",
    "curve_bands",
    "domain_effects",
    "fit_curves",
    "fit_pairwise_curves",
    "foretell",
    "label_worth",
    "pairwise_effects",
    "together_effects",
]
