from collections.abc import Sequence

import numpy as np
from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol
from rdkit.rdBase import BlockLogs
from scipy.sparse import csr_array

from cotrain.parallel import map_chunks
from cotrain.splits._balance import group_folds


def scaffold_folds(smiles: Sequence[str], labels: csr_array, n_folds: int, seed: int) -> np.ndarray:
    """Return the fold of each molecule so that no Bemis-Murcko scaffold stands in two folds.

    A molecule without rings has no scaffold, so it shares none: it is a group of its own.

    Parameters
    ----------
    smiles : sequence of str, (N,)
        Molecules that RDKit can parse.
    labels : csr_array, (N, K)
        The known labels, which are balanced over the folds; see `group_folds`.
    n_folds : int
        The number of folds F.
    seed : int
        Another seed gives other folds, about as balanced.

    Returns
    -------
    ndarray of int64, (N,)
        Folds in 0 .. F - 1.
    """
    scaffolds = murcko_scaffolds(smiles)
    groups = [scaffold or name for scaffold, name in zip(scaffolds, smiles, strict=True)]
    return group_folds(groups, labels, n_folds, seed)


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
    molecule = Chem.MolFromSmiles(smiles)
    if "." in smiles:
        fragments = Chem.GetMolFrags(molecule, asMols=True)
        molecule = max(
            fragments, key=lambda part: (part.GetNumHeavyAtoms(), Chem.MolToSmiles(part))
        )
    return Chem.MolToSmiles(GetScaffoldForMol(molecule), isomericSmiles=False)
