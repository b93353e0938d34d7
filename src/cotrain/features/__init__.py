"""Features of examples: molecules, columns of a table, given arrays, text, images."""

from cotrain.features._ecfp import ecfp
from cotrain.features._featurizer import (
    Featurizer,
    Names,
    dense_similarity,
    featurizer_of,
    make_featurizer,
    nearest,
)
from cotrain.features._standardise import standard_names

__all__ = [
    "Featurizer",
    "Names",
    "dense_similarity",
    "ecfp",
    "featurizer_of",
    "make_featurizer",
    "nearest",
    "standard_names",
]
