from ._ecfp import ecfp
from ._featurizer import (
    Featurizer,
    Names,
    featurizer_of,
    make_featurizer,
    nearest,
)
from ._standardise import standard_names

__all__ = [
    "Featurizer",
    "Names",
    "ecfp",
    "featurizer_of",
    "make_featurizer",
    "nearest",
    "standard_names",
]
