"""Simple molecules in many scaffolds, and properties of them that are related to each other."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors

_SCAFFOLDS = (
    "c1ccc({})cc1", "c1ccc({})nc1", "c1cnc({})nc1", "c1csc({})c1", "c1coc({})c1",
    "C1CCC({})CC1", "C1CCN({})CC1", "C1COCCN1{}", "c1ccc2cc({})ccc2c1", "c1ccc2[nH]c({})cc2c1",
    "c1ccc(-c2ccc({})cc2)cc1", "C1CC({})C1", "C1CCC({})C1", "c1ccc2nc({})ccc2c1", "C1CN({})C1",
)  # fmt: skip
_LINKERS = ("", "C", "CC", "C(=O)", "CO")
_ENDS = ("C", "CC", "C(F)(F)F", "CCl", "CN", "CO", "CC#N", "CC(=O)N")


def some_molecules() -> list[str]:
    """Return several hundred SMILES, all distinct, of 15 rings with their substituents."""
    parts = product(_SCAFFOLDS, _LINKERS, _ENDS)
    smiles = [scaffold.format(linker + end) for scaffold, linker, end in parts]
    return list(dict.fromkeys(Chem.CanonSmiles(one) for one in smiles))


def properties(n_tasks: int, *, binary: bool, seed: int = 0) -> pd.DataFrame:
    """Return columns smiles and `n_tasks` (4 at most) tasks, with noise and with gaps."""
    rng = np.random.default_rng(seed)
    smiles = some_molecules()
    molecules = [Chem.MolFromSmiles(one) for one in smiles]
    columns = {
        "lipophilicity": Crippen.MolLogP,
        "refractivity": Crippen.MolMR,
        "polar surface": rdMolDescriptors.CalcTPSA,
        "weight": Descriptors.MolWt,
    }
    frame = pd.DataFrame({"smiles": smiles})
    for name, measure in list(columns.items())[:n_tasks]:
        value = np.array([measure(molecule) for molecule in molecules])
        value = (value - value.mean()) / value.std() + 0.3 * rng.standard_normal(value.size)
        if binary:
            value = (value > np.median(value)).astype(float)
        value[rng.random(value.size) < 0.2] = np.nan
        frame[name] = value.round(4)
    return frame


def write_properties(path: Path, n_tasks: int, *, binary: bool) -> Path:
    """Return `path`, a wide CSV file of `properties`."""
    frame = properties(n_tasks, binary=binary)
    frame.to_csv(path, index=False, float_format="%g")
    return path
