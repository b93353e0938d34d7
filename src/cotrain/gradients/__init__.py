"""The gradient view: how a gradient step on one task changes the loss of another."""

from cotrain.gradients._engine import Combination, CombinedNetwork, CombinedSettings
from cotrain.gradients._fit import record_affinity
from cotrain.gradients._itmtl import ITMTL
from cotrain.gradients._lookahead import Lookahead, TaskGradients
from cotrain.gradients._losses import masked_mean
from cotrain.gradients._output_gradients import OutputGradients, output_gradients
from cotrain.gradients._record import AffinityRecord, load_records
from cotrain.gradients._recorder import AffinityRecorder
from cotrain.gradients._uncertainty import UncertaintyWeighting

__all__ = [
    "ITMTL",
    "AffinityRecord",
    "AffinityRecorder",
    "Combination",
    "CombinedNetwork",
    "CombinedSettings",
    "Lookahead",
    "OutputGradients",
    "TaskGradients",
    "UncertaintyWeighting",
    "load_records",
    "masked_mean",
    "output_gradients",
    "record_affinity",
]
