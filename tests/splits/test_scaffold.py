import numpy as np
import pytest
from rdkit import Chem
from scipy.sparse import csr_array

from cotrain.splits import murcko_scaffolds
from cotrain.splits._scaffold import ScaffoldSplitter
from cotrain.testing import raw_table

RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "c1ccc2ccccc2c1", "C1CCNCC1", "c1ccsc1"]
CHAINS = ["C", "CC", "CCO", "N", "OC", "CCN", "F", "Cl"]


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        ("CCO", ""),
        ("Cc1ccccc1", "c1ccccc1"),
        ("c1ccccc1CCc1ccncc1C", "c1ccc(CCc2ccncc2)cc1"),
        ("O=C1CCCCC1", "O=C1CCCCC1"),
        ("C[C@H]1CC[C@@H](O)CC1", "C1CCCCC1"),
        # The drug's scaffold, not the counter-ion's.
        ("c1ccc2ccccc2c1CN.c1ccccc1S(=O)(=O)O", "c1ccc2ccccc2c1"),
        ("CCCCCCCCCCCC.c1ccccc1", ""),
        ("InChI=1S/C7H8/c1-7-5-3-2-4-6-7/h2-6H,1H3", "c1ccccc1"),
        ("InChI=1S/CH4/h1H4", ""),
    ],
)
def test_scaffold(smiles, scaffold):
    expected = Chem.CanonSmiles(scaffold) if scaffold else ""
    assert murcko_scaffolds([smiles]) == [expected]


def test_a_scaffold_stays_together_and_chains_do_not():
    smiles = [ring.replace("c1", f"c1({chain})", 1) for ring in RINGS[:2] for chain in CHAINS]
    smiles += CHAINS
    labels = csr_array(np.tile([0, 1], len(smiles) // 2)[:, None].astype(np.float32))
    # Three groups, if chains were one, could not fill four folds.
    settings = ScaffoldSplitter.Settings(kind="scaffold", column="s", giant="keep")
    folds = ScaffoldSplitter(settings).folds(raw_table({"s": smiles}), labels, 4, 0).folds
    assert len(set(folds[:8])) == 1
    assert len(set(folds[8:16])) == 1
    np.testing.assert_array_equal(np.sort(np.bincount(folds[16:], minlength=4)), [0, 0, 4, 4])
