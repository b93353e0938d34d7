from ._balance import group_folds as group_folds
from ._scaffold import murcko_scaffolds as murcko_scaffolds
from ._splitter import (
    Folds as Folds,
    RandomSplitter as RandomSplitter,
    Splitter as Splitter,
    distinct as distinct,
)
