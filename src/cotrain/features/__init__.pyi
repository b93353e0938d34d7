from ._ecfp import ecfp
from ._featurizer import (
    Featurizer,
    Names,
    dense_similarity,
    featurizer_of,
    make_featurizer,
    nearest,
)
from ._standardise import standard_names

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
