"""The gradient view: how a gradient step on one task changes the loss of another."""

from cotrain.affinity._engine import CombinationEngine
from cotrain.affinity._fit import record_affinity
from cotrain.affinity._itmtl import ITMTL
from cotrain.affinity._lookahead import Lookahead, TaskGradients
from cotrain.affinity._losses import masked_mean
from cotrain.affinity._output_gradients import OutputGradients, output_gradients
from cotrain.affinity._record import AffinityRecord
from cotrain.affinity._recorder import AffinityRecorder
from cotrain.affinity._uncertainty import UncertaintyWeighting

__all__ = [
    "ITMTL",
    "AffinityRecord",
    "AffinityRecorder",
    "CombinationEngine",
    "Lookahead",
    "OutputGradients",
    "TaskGradients",
    "UncertaintyWeighting",
    "masked_mean",
    "output_gradients",
    "record_affinity",
]
