from ._bands import curve_bands as curve_bands
from ._clusters import cluster_effects as cluster_effects
from ._effects import (
    Effects as Effects,
    pairwise_effects as pairwise_effects,
    together_effects as together_effects,
)
from ._fit import CurveFits as CurveFits, fit_curves as fit_curves
from ._forms import EXP31 as EXP31, EXP32 as EXP32, Form as Form
from ._transfer import TransferModel as TransferModel
