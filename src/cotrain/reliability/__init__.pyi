from ._interval import (
    CONFIDENCE as CONFIDENCE,
    Interval as Interval,
    paired_interval as paired_interval,
)
from ._moderate import moderate_variances as moderate_variances
from ._power import repeats_to_decide as repeats_to_decide, t_test_power as t_test_power
from ._split_half import (
    Reliability as Reliability,
    spearman_brown as spearman_brown,
    split_half_reliability as split_half_reliability,
)
from ._verdicts import (
    HELPS as HELPS,
    HURTS as HURTS,
    UNDECIDED as UNDECIDED,
    UNKNOWN as UNKNOWN,
    benjamini_hochberg as benjamini_hochberg,
    holm as holm,
    interval_verdicts as interval_verdicts,
    verdicts as verdicts,
)
