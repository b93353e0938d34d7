"""Folds of whole Bemis-Murcko scaffolds."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from rdkit.rdBase import BlockLogs
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.parallel import map_chunks
from cotrain.settings import Choice
from cotrain.sources import RawTable
from cotrain.splits._balance import group_folds, split_giants
from cotrain.splits._splitter import Folds, Splitter, distinct


class ScaffoldSettings(Choice):
    """Which column holds SMILES, and what becomes of a scaffold larger than a fold."""

    kind: Literal["scaffold"]
    column: str
    giant: Literal["split", "keep"]


class ScaffoldSplitter(Splitter):
    """No Bemis-Murcko scaffold in two folds.

    A molecule without rings has no scaffold, so it shares none: it is a group of its own. A
    scaffold of more examples than a fold should have is split at random into parts of that size
    (`giant: split`), or kept whole, and told either way.
    """

    Settings = ScaffoldSettings

    def folds(self, raw: RawTable, labels: csr_array, n_folds: int, seed: int) -> Folds:
        first = distinct(raw)
        smiles = raw.column(self.settings.column, "prepare.split.column").iloc[first].tolist()
        scaffolds = np.array(murcko_scaffolds(smiles), dtype=object)
        groups = np.where(scaffolds == "", raw.names[first], scaffolds)
        notes = []
        if (n_chains := int((scaffolds == "").sum())) > len(scaffolds) / 3:
            notes.append(
                f"{n_chains} of {len(scaffolds)} molecules have no ring, so no scaffold: each is "
                "split by itself; `prepare.split: {kind: cluster}` would keep similar ones together"
            )
        groups, giants = split_giants(groups, n_folds, seed, self.settings.giant == "split")
        return Folds(group_folds(groups, labels, n_folds, seed), scaffolds, tuple(notes + giants))


def murcko_scaffolds(smiles: Sequence[str]) -> list[str]:
    """Return the SMILES of each molecule's Bemis-Murcko scaffold, "" if it has no ring.

    Stereochemistry is dropped, so that isomers share a scaffold. Of a salt, the fragment with
    the most heavy atoms counts, so that the salts of one drug share one.
    (Bemis and Murcko, J. Med. Chem. 1996, 39, 2887.)

    Examples
    --------
    >>> murcko_scaffolds(["Cc1ccccc1CCN", "c1ccccc1.Cl", "CCO"])
    ['c1ccccc1', 'c1ccccc1', '']
    """
    return [name for chunk in map_chunks(_scaffolds, smiles, "scaffolds") for name in chunk]


def _scaffolds(smiles: Sequence[str]) -> list[str]:
    with BlockLogs():
        return [_scaffold(text) for text in smiles]


def _scaffold(smiles: str) -> str:
    from rdkit import Chem
    from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol

    from cotrain.features import read_molecule

    molecule = read_molecule(smiles)
    if molecule is None:
        raise DataError(f"{smiles!r} is no molecule; name their column as `prepare.split.column`")
    if "." in smiles:
        fragments = Chem.GetMolFrags(molecule, asMols=True)
        molecule = max(
            fragments, key=lambda part: (part.GetNumHeavyAtoms(), Chem.MolToSmiles(part))
        )
    return Chem.MolToSmiles(GetScaffoldForMol(molecule), isomericSmiles=False)
