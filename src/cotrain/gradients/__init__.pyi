from ._engine import (
    Combination,
    CombinedModule,
    CombinedModuleSettings,
    CombinedNetwork,
    CombinedSettings,
)
from ._fit import record_affinity
from ._itmtl import ITMTL
from ._lookahead import Lookahead, TaskGradients
from ._losses import masked_mean
from ._record import AffinityRecord, load_records
from ._recorder import AffinityRecorder
from ._uncertainty import UncertaintyWeighting

__all__ = [
    "ITMTL",
    "AffinityRecord",
    "AffinityRecorder",
    "Combination",
    "CombinedModule",
    "CombinedModuleSettings",
    "CombinedNetwork",
    "CombinedSettings",
    "Lookahead",
    "TaskGradients",
    "UncertaintyWeighting",
    "load_records",
    "masked_mean",
    "record_affinity",
]
