from ._engine import (
    Combination as Combination,
    CombinedModule as CombinedModule,
    CombinedModuleSettings as CombinedModuleSettings,
    CombinedNetwork as CombinedNetwork,
    CombinedSettings as CombinedSettings,
)
from ._fit import record_affinity as record_affinity
from ._itmtl import ITMTL as ITMTL
from ._lookahead import Lookahead as Lookahead, TaskGradients as TaskGradients
from ._losses import (
    UncertaintyWeighting as UncertaintyWeighting,
    masked_mean as masked_mean,
)
from ._record import AffinityRecord as AffinityRecord, load_records as load_records
from ._recorder import AffinityRecorder as AffinityRecorder
