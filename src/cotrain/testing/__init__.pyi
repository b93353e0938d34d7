from ._learners import LearnerContract as LearnerContract
from ._surrogates import SurrogateContract as SurrogateContract
from ._tables import (
    FeaturizerContract as FeaturizerContract,
    SourceContract as SourceContract,
    SplitterContract as SplitterContract,
    raw_table as raw_table,
)
