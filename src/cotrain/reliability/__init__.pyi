from ._interval import CONFIDENCE, Interval, paired_interval
from ._moderate import moderate_variances
from ._power import repeats_to_decide, t_test_power
from ._split_half import Reliability, spearman_brown, split_half_reliability
from ._verdicts import (
    HELPS,
    HURTS,
    UNDECIDED,
    UNKNOWN,
    benjamini_hochberg,
    holm,
    interval_verdicts,
    verdicts,
)

__all__ = [
    "CONFIDENCE",
    "HELPS",
    "HURTS",
    "UNDECIDED",
    "UNKNOWN",
    "Interval",
    "Reliability",
    "benjamini_hochberg",
    "holm",
    "interval_verdicts",
    "moderate_variances",
    "paired_interval",
    "repeats_to_decide",
    "spearman_brown",
    "split_half_reliability",
    "t_test_power",
    "verdicts",
]
