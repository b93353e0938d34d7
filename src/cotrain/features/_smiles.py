"""Molecules from text: what is refused, the parent, one name for each, and fingerprints."""

import re
from collections.abc import Sequence
from functools import partial

import numpy as np
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.rdBase import BlockLogs
from scipy.sparse import csr_array

from cotrain.parallel import map_chunks

# A nitro group is written with charges, and is as it should be.
_NITRO = re.compile(r"\[N\+\]\(=O\)\[O-\]|\[O-\]\[N\+\]\(=O\)")
# What ChemAxon and RDKit write behind a SMILES: coordinates, bonds to draw, groups of stereo.
_EXTENDED = re.compile(r"^(\S+)\s+\|.*\|$")
# Salts, charges, isotopes and metals: what standardisation is for.
_UNUSUAL = re.compile(r"[.+]|-\d?\]|\[\d|\[[A-Z][a-z]?\]")


def standard_names(
    smiles: Sequence[str], *, parent: bool, stereo: bool, max_atoms: int
) -> list[tuple[str | None, str]]:
    """Return the canonical SMILES of each molecule, or None and why it is refused.

    Parameters
    ----------
    smiles : sequence of str, (N,)
        SMILES, with the extension of CXSMILES or without, or InChI.
    parent : bool
        Whether salts, solvents and charges are taken off and groups written one way, by the
        ChEMBL structure pipeline (Bento et al., J. Cheminform. 2020, 12, 51).
    stereo : bool
        Whether stereochemistry is kept.
    max_atoms : int
        Heavy atoms beyond which a molecule is refused: RDKit takes seconds for one of 2,000.

    Examples
    --------
    >>> standard_names(["C(C)O", "CC[NH3+].[Cl-]", "CO C"], parent=True, stereo=True, max_atoms=9)
    [('CCO', ''), ('CCN', ''), (None, 'text behind a blank')]
    """
    chunk = partial(_names, parent=parent, stereo=stereo, max_atoms=max_atoms)
    return [name for part in map_chunks(chunk, smiles, "molecules") for name in part]


def _names(
    smiles: Sequence[str], parent: bool, stereo: bool, max_atoms: int
) -> list[tuple[str | None, str]]:
    with BlockLogs():
        return [_name(text, parent, stereo, max_atoms) for text in smiles]


def _name(text: str, parent: bool, stereo: bool, max_atoms: int) -> tuple[str | None, str]:
    text = _EXTENDED.sub(r"\1", text)
    # RDKit would read the beginning alone of some that are refused.
    if not text:
        return None, "no SMILES"
    if any(mark in text for mark in "\n\r\t "):
        return None, "text behind a blank"
    if ">" in text:
        return None, "is a reaction"
    if "*" in text or re.search(r"\[R\d*\]", text):
        return None, "holds an attachment point or any-atom"
    molecule = read_molecule(text)
    if molecule is None:
        return None, f"{'InChI' if text.startswith('InChI=') else 'SMILES'} cannot be parsed"
    if text.startswith("InChI="):
        text = Chem.MolToSmiles(molecule)
    if molecule.GetNumHeavyAtoms() > max_atoms:
        return None, f"has {molecule.GetNumHeavyAtoms()} heavy atoms, more than {max_atoms}"
    if any(atom.GetAtomicNum() == 0 for atom in molecule.GetAtoms()):
        return None, "holds an attachment point or any-atom"
    if parent and _UNUSUAL.search(_NITRO.sub("", text)):
        found = _parent(molecule)
        if isinstance(found, str):
            return None, found
        molecule = found
    if not stereo:
        Chem.RemoveStereochemistry(molecule)
    name = Chem.MolToSmiles(molecule)
    return (name, "") if name else (None, "no atom is left")


def read_molecule(text: str) -> Chem.Mol | None:
    """The molecule that a SMILES or an InChI stands for; None: neither."""
    inchi = text.startswith("InChI=")
    return Chem.MolFromInchi(text) if inchi else Chem.MolFromSmiles(text)


def _parent(molecule: Chem.Mol) -> Chem.Mol | str:
    """The parent as the ChEMBL structure pipeline finds it, or why there is none."""
    from chembl_structure_pipeline import standardizer

    try:
        standard = standardizer.standardize_mol(molecule)
        found, _ = standardizer.get_parent_mol(standard)
        # Sodium acetate is all counter-ions to the pipeline: its one organic part is the molecule.
        organic = {
            Chem.MolToSmiles(part): part
            for part in Chem.GetMolFrags(found, asMols=True)
            if any(atom.GetAtomicNum() == 6 for atom in part.GetAtoms())
        }
        if "." in Chem.MolToSmiles(found) and len(organic) == 1:
            found = standardizer.uncharge_mol(next(iter(organic.values())))
        Chem.SanitizeMol(found)
    except (ValueError, RuntimeError) as error:
        return f"cannot be standardised ({' '.join(str(error).split())[:60]})"
    return found


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
    rows, found = [], []
    with BlockLogs():
        for text in smiles:
            if (molecule := read_molecule(text)) is None:
                raise ValueError(
                    f"`smiles` must be molecules, got {text!r}; drop what `standard_names` refuses"
                )
            times = generator.GetCountFingerprintAsNumPy(molecule)
            rows.append(np.flatnonzero(times).astype(np.int32))
            found.append(times[rows[-1]].astype(np.float32))
    sizes = np.array([row.size for row in rows], dtype=np.int64)
    values = np.concatenate(found)
    return sizes, np.concatenate(rows), np.log1p(values) if counts else np.sign(values)
