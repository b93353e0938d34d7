"""RDKit's descriptors of molecules, brought to one scale."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import Descriptors
from rdkit.rdBase import BlockLogs

from cotrain.parallel import map_chunks

# Scaled values are cut here: a descriptor of one odd molecule must not outweigh all others.
LIMIT = 5.0
_CHUNK = 60  # of 10 ms each
# A score made of other descriptors, which takes a fifth of the time of all.
_LEFT_OUT = "qed"
_FUNCTIONS = [(name, found) for name, found in Descriptors._descList if name != _LEFT_OUT]


def descriptors(smiles: Sequence[str]) -> np.ndarray:
    """Return RDKit's descriptors in the order of `descriptor_names`, float64 (N, D).

    What RDKit cannot compute, or gives as infinite, is NaN.
    """
    parts = map_chunks(_descriptors, smiles, "descriptors", _CHUNK)
    found = np.vstack(parts) if parts else np.empty((0, len(descriptor_names())))
    return np.where(np.isfinite(found), found, np.nan)


def descriptor_names() -> list[str]:
    """Return the names of RDKit's descriptors."""
    return [name for name, _ in _FUNCTIONS]


def fit_scale(values: np.ndarray) -> dict[str, Any]:
    """Return each column's median and spread as plain numbers, (D,) each.

    The spread is the range between the quartiles, or the standard deviation where that is 0; a
    column without any spread gets 0, and is 0 when scaled.
    """
    known = np.where(np.isfinite(values), values, np.nan)
    known[:, np.isnan(known).all(axis=0)] = 0.0
    low, middle, high = np.nanquantile(known, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low) / 1.349
    spread = np.where(spread > 0, spread, np.nanstd(known, axis=0))
    return {"middle": middle.tolist(), "spread": spread.tolist()}


def apply_scale(values: np.ndarray, scale: dict[str, Any]) -> np.ndarray:
    """Return (value - median) / spread, cut at ±5, unknown values as 0; float32, (N, D)."""
    middle, spread = np.array(scale["middle"]), np.array(scale["spread"])
    useful = spread > 0
    scaled = np.where(useful, (values - middle) / np.where(useful, spread, 1.0), 0.0)
    return np.clip(np.nan_to_num(scaled, nan=0.0), -LIMIT, LIMIT).astype(np.float32)


def _descriptors(smiles: Sequence[str]) -> np.ndarray:
    rows = []
    with BlockLogs():
        for text in smiles:
            molecule = Chem.MolFromSmiles(text)
            rows.append([_value(function, molecule) for _, function in _FUNCTIONS])
    return np.array(rows, dtype=np.float64)


def _value(function: Callable[[Any], float], molecule: Any) -> float:
    try:
        return function(molecule)
    except Exception:  # RDKit's own, of any kind
        return math.nan
