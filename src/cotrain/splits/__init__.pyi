from ._balance import group_folds
from ._random import RandomSplitter
from ._scaffold import murcko_scaffolds
from ._splitter import Folds, Splitter, distinct

__all__ = [
    "Folds",
    "RandomSplitter",
    "Splitter",
    "distinct",
    "group_folds",
    "murcko_scaffolds",
]
