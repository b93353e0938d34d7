"""RDKit's descriptors of molecules."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import Descriptors
from rdkit.rdBase import BlockLogs

from cotrain.parallel import map_chunks

_CHUNK = 60  # of 10 ms each
# A score made of other descriptors, which takes a fifth of the time of all.
_LEFT_OUT = "qed"
# Four descriptors are of one array, which RDKit otherwise makes anew for each, loops in Python.
_OF_ESTATES = {f"{which}EStateIndex" for which in ("Max", "Min", "MaxAbs", "MinAbs")}
FUNCTIONS = {
    name: partial(found, force=False) if name in _OF_ESTATES else found
    for name, found in Descriptors._descList
    if name != _LEFT_OUT
}


def descriptors(smiles: Sequence[str]) -> np.ndarray:
    """Return RDKit's descriptors in the order of `FUNCTIONS`, float64 (N, D).

    What RDKit cannot compute, or gives as infinite, is NaN.
    """
    parts = map_chunks(_descriptors, smiles, "descriptors", _CHUNK)
    found = np.vstack(parts) if parts else np.empty((0, len(FUNCTIONS)))
    return np.where(np.isfinite(found), found, np.nan)


def _descriptors(smiles: Sequence[str]) -> np.ndarray:
    rows = []
    with BlockLogs():
        for text in smiles:
            molecule = Chem.MolFromSmiles(text)
            rows.append([_value(function, molecule) for function in FUNCTIONS.values()])
    return np.array(rows, dtype=np.float64)


def _value(function: Callable[[Any], float], molecule: Any) -> float:
    try:
        return function(molecule)
    except Exception:  # RDKit's own, of any kind
        return math.nan
