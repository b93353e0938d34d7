from ._smiles import ecfp as ecfp, read_molecule as read_molecule, standard_names as standard_names
from ._featurizer import (
    Featurizer as Featurizer,
    Names as Names,
    featurizer_of as featurizer_of,
    make_featurizer as make_featurizer,
    nearest as nearest,
)
