from ._effects import (
    Effects as Effects,
    cluster_effects as cluster_effects,
    pairwise_effects as pairwise_effects,
    together_effects as together_effects,
)
from ._fit import (
    CurveFits as CurveFits,
    curve_bands as curve_bands,
    fit_curves as fit_curves,
)
from ._forms import EXP31 as EXP31, EXP32 as EXP32, Form as Form
from ._transfer import TransferModel as TransferModel
