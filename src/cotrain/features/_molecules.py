from collections.abc import Sequence
from functools import partial

import numpy as np
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.rdBase import BlockLogs
from scipy.sparse import csr_array

from cotrain.parallel import map_chunks


def canonical_smiles(smiles: Sequence[str]) -> list[str | None]:
    """Return RDKit's canonical SMILES of each molecule, None for what cannot be parsed.

    Salts and solvents are left as they are: two salts of one drug are two molecules.
    """
    return [name for chunk in map_chunks(_canonical, smiles, "molecules") for name in chunk]


def ecfp(smiles: Sequence[str], radius: int = 2, bits: int = 2048) -> csr_array:
    """Return extended-connectivity fingerprints as bits; radius 2 is ECFP4.

    Parameters
    ----------
    smiles : sequence of str, (N,)
        Molecules that RDKit can parse.
    radius : int
        Bonds from an atom to the rim of its environment.
    bits : int
        Length D that environments are hashed to.

    Returns
    -------
    csr_array of float32, (N, D)
        Ones where a bit is set, column indices sorted within each row.

    Raises
    ------
    ValueError
        If a molecule cannot be parsed.

    Examples
    --------
    >>> ecfp(["CCO", "c1ccccc1"], bits=64).sum(axis=1)
    array([6., 3.], dtype=float32)
    """
    on_bits = partial(_on_bits, radius=radius, bits=bits)
    rows = [row for chunk in map_chunks(on_bits, smiles, "fingerprints") for row in chunk]
    indptr = np.concatenate([[0], np.cumsum([row.size for row in rows], dtype=np.int64)])
    indices = np.concatenate([np.empty(0, dtype=np.int32), *rows])
    data = np.ones(indices.size, dtype=np.float32)
    return csr_array((data, indices, indptr), shape=(len(rows), bits))


def _canonical(smiles: Sequence[str]) -> list[str | None]:
    with BlockLogs():
        molecules = [Chem.MolFromSmiles(text) if text else None for text in smiles]
    return [None if molecule is None else Chem.MolToSmiles(molecule) for molecule in molecules]


def _on_bits(smiles: Sequence[str], radius: int, bits: int) -> list[np.ndarray]:
    generator = GetMorganGenerator(radius=radius, fpSize=bits)
    with BlockLogs():
        molecules = [Chem.MolFromSmiles(text) for text in smiles]
    for text, molecule in zip(smiles, molecules, strict=True):
        if molecule is None:
            raise ValueError(
                f"`smiles` must be molecules, got {text!r}; "
                "drop what `canonical_smiles` cannot parse"
            )
    # On bits come in ascending order.
    return [
        np.array(fingerprint.GetOnBits(), dtype=np.int32)
        for fingerprint in generator.GetFingerprints(molecules)
    ]
