"""Examples to folds."""

from cotrain.splits._balance import group_folds
from cotrain.splits._random import random_folds
from cotrain.splits._scaffold import murcko_scaffolds, scaffold_folds

__all__ = ["group_folds", "murcko_scaffolds", "random_folds", "scaffold_folds"]
