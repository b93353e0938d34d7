from ._ecfp import ecfp as ecfp
from ._featurizer import (
    Featurizer as Featurizer,
    Names as Names,
    featurizer_of as featurizer_of,
    make_featurizer as make_featurizer,
    nearest as nearest,
)
from ._standardise import read_molecule as read_molecule, standard_names as standard_names
