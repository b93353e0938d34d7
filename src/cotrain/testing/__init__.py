"""Contract tests of what another package can add: subclass one in a test, and run pytest."""

from cotrain.testing._learners import LearnerContract
from cotrain.testing._surrogates import SurrogateContract
from cotrain.testing._tables import (
    FeaturizerContract,
    SourceContract,
    SplitterContract,
    raw_table,
)

__all__ = [
    "FeaturizerContract",
    "LearnerContract",
    "SourceContract",
    "SplitterContract",
    "SurrogateContract",
    "raw_table",
]
