from ._bands import curve_bands
from ._clusters import cluster_effects
from ._effects import Effects, pairwise_effects, together_effects
from ._labels import LabelWorth, label_worth
from ._many import CurveFits, fit_curves
from ._pairwise import PairwiseCurves, fit_pairwise_curves
from ._transfer import TransferModel
from ._transfer_cv import ShrinkageChoice

__all__ = [
    "CurveFits",
    "Effects",
    "LabelWorth",
    "PairwiseCurves",
    "ShrinkageChoice",
    "TransferModel",
    "cluster_effects",
    "curve_bands",
    "fit_curves",
    "fit_pairwise_curves",
    "label_worth",
    "pairwise_effects",
    "together_effects",
]
