"""Extended-connectivity fingerprints."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.rdBase import BlockLogs
from scipy.sparse import csr_array

from cotrain.features._standardise import read_molecule
from cotrain.parallel import map_chunks


def ecfp(
    smiles: Sequence[str], radius: int = 2, bits: int = 2048, *, counts: bool = False
) -> csr_array:
    """Return extended-connectivity fingerprints, a csr_array of float32 (N, bits).

    Radius 2, the bonds from an atom to the rim of its environment, is ECFP4. An entry is 1, or with
    `counts` log(1 + n) of an environment that stands n times; column indices are sorted.

    Raises
    ------
    ValueError
        If a molecule cannot be parsed.

    Examples
    --------
    >>> ecfp(["CCO", "c1ccccc1"], bits=64).sum(axis=1)
    array([6., 3.], dtype=float32)
    """
    fingerprints = partial(_fingerprints, radius=radius, bits=bits, counts=counts)
    parts = map_chunks(fingerprints, smiles, "fingerprints")
    sizes, indices, data = (
        np.concatenate([np.empty(0, dtype), *(part[at] for part in parts)])
        for at, dtype in enumerate((np.int64, np.int32, np.float32))
    )
    indptr = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    return csr_array((data, indices, indptr), shape=(len(smiles), bits))


def _fingerprints(
    smiles: Sequence[str], radius: int, bits: int, counts: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The number of bits of each molecule, then the bits and their values, one after another."""
    generator = GetMorganGenerator(radius=radius, fpSize=bits)
    with BlockLogs():
        molecules = [read_molecule(text) for text in smiles]
    for text, molecule in zip(smiles, molecules, strict=True):
        if molecule is None:
            raise ValueError(
                f"`smiles` must be molecules, got {text!r}; drop what `standard_names` refuses"
            )
    rows, values = [], []
    for molecule in molecules:
        if counts:
            found = sorted(generator.GetCountFingerprint(molecule).GetNonzeroElements().items())
            rows.append(np.array([bit for bit, _ in found], dtype=np.int32))
            values.append(np.log1p(np.array([count for _, count in found], dtype=np.float32)))
        else:
            # On bits come in ascending order.
            row = np.array(generator.GetFingerprint(molecule).GetOnBits(), dtype=np.int32)
            rows.append(row)
            values.append(np.ones(row.size, dtype=np.float32))
    sizes = np.array([row.size for row in rows], dtype=np.int64)
    return sizes, np.concatenate(rows), np.concatenate(values)
