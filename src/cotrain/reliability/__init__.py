"""How sure a measured difference is, and how many repeats would decide it."""

from cotrain.reliability._bootstrap import cluster_bootstrap
from cotrain.reliability._control import Controlled, control_variate
from cotrain.reliability._interval import Interval, paired_interval
from cotrain.reliability._moderate import moderate_variances
from cotrain.reliability._multiple import holm
from cotrain.reliability._power import repeats_to_decide, t_test_power
from cotrain.reliability._split_half import Reliability, spearman_brown, split_half_reliability
from cotrain.reliability._verdicts import HELPS, HURTS, UNDECIDED, UNKNOWN, verdicts

__all__ = [
    "HELPS",
    "HURTS",
    "UNDECIDED",
    "UNKNOWN",
    "Controlled",
    "Interval",
    "Reliability",
    "cluster_bootstrap",
    "control_variate",
    "holm",
    "moderate_variances",
    "paired_interval",
    "repeats_to_decide",
    "spearman_brown",
    "split_half_reliability",
    "t_test_power",
    "verdicts",
]
