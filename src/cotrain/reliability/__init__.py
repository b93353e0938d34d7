"""How sure a measured difference is, and how many repeats would decide it."""

from cotrain.reliability._interval import Interval, paired_interval
from cotrain.reliability._multiple import holm
from cotrain.reliability._split_half import Reliability, spearman_brown, split_half_reliability

__all__ = [
    "Interval",
    "Reliability",
    "holm",
    "paired_interval",
    "spearman_brown",
    "split_half_reliability",
]
