from ._balance import group_folds as group_folds
from ._random import RandomSplitter as RandomSplitter
from ._scaffold import murcko_scaffolds as murcko_scaffolds
from ._splitter import Folds as Folds, Splitter as Splitter, distinct as distinct
