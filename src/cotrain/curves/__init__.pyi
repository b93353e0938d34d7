from ._bands import curve_bands
from ._clusters import cluster_effects
from ._effects import Effects, pairwise_effects, together_effects
from ._fit import CurveFits, fit_curves, fit_pairwise_curves
from ._forms import EXP31, EXP32, EXP33, Form
from ._transfer import TransferModel

__all__ = [
    "EXP31",
    "EXP32",
    "EXP33",
    "CurveFits",
    "Effects",
    "Form",
    "TransferModel",
    "cluster_effects",
    "curve_bands",
    "fit_curves",
    "fit_pairwise_curves",
    "pairwise_effects",
    "together_effects",
]
