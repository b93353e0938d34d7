"""Examples to folds: by scaffold, at random, by a column, by time, by cluster."""

from cotrain.splits._balance import group_folds
from cotrain.splits._random import RandomSplitter
from cotrain.splits._scaffold import murcko_scaffolds
from cotrain.splits._splitter import Folds, Splitter, distinct, make_splitter

__all__ = [
    "Folds",
    "RandomSplitter",
    "Splitter",
    "distinct",
    "group_folds",
    "make_splitter",
    "murcko_scaffolds",
]
