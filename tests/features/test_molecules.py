import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Descriptors
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from cotrain import parallel
from cotrain.features import _descriptors, ecfp, standard_names
from cotrain.features._descriptors import descriptors

SMILES = ["CCO", "c1ccccc1C(=O)N", "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "[Na+].[Cl-]", "C"]


def names(smiles, parent=False, stereo=True, max_atoms=400):
    return standard_names(smiles, parent=parent, stereo=stereo, max_atoms=max_atoms)


def test_one_molecule_has_one_name():
    assert names(["OCC", "CCO", "C(O)C"]) == [("CCO", "")] * 3


def test_what_cannot_be_parsed_has_no_name_and_prints_nothing(capfd):
    found = names(["CCO", "nonsense", "", "C1CC", "c1cccc1"])
    assert [name for name, _ in found] == ["CCO"] + [None] * 4
    assert found[1][1] == "SMILES cannot be parsed"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # RDKit would read the beginning of each of these, or take it.
        ("CCCCO CC(=O)O", "text behind a blank"),
        ("CCF\nCl", "text behind a blank"),
        ("CC\tname", "text behind a blank"),
        ("*CC", "holds an attachment point or any-atom"),
        ("[R1]CC", "holds an attachment point or any-atom"),
        ("[*:1]CC", "holds an attachment point or any-atom"),
        ("CC>>CO", "is a reaction"),
        ("C" * 401, "has 401 heavy atoms, more than 400"),
        ("", "no SMILES"),
        ("nan", "SMILES cannot be parsed"),
        ("F(C)(C)C", "SMILES cannot be parsed"),
    ],
)
def test_what_is_refused(text, reason):
    assert names([text]) == [(None, reason)]


def test_salts_are_left_as_they_are_unless_their_parent_is_wanted():
    assert names(["CC(=O)[O-].[Na+]"]) == [("CC(=O)[O-].[Na+]", "")]
    assert names(["CC(=O)[O-].[Na+]", "CC(=O)O"], parent=True) == [("CC(=O)O", "")] * 2


@pytest.mark.parametrize(
    ("text", "parent"),
    [
        ("CCN.Cl", "CCN"),
        ("CC[NH3+].[Cl-]", "CCN"),
        ("OC(=O)/C=C/C(=O)O", "O=C(O)/C=C/C(=O)O"),  # a counter-ion by itself
        ("CCN.OC(=O)/C=C/C(=O)O", "CCN"),
        ("CCN.O", "CCN"),
        ("[13CH3]CO", "CCO"),
        ("C[N+](=O)[O-]", "C[N+](=O)[O-]"),
        ("[Na+].[Cl-]", "[Cl-].[Na+]"),  # never emptied
    ],
)
def test_parents(text, parent):
    assert names([text], parent=True) == [(Chem.CanonSmiles(parent), "")]


def test_stereo_can_be_dropped():
    pair = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"]
    assert len({name for name, _ in names(pair)}) == 2
    assert len({name for name, _ in names(pair, stereo=False)}) == 1


@pytest.mark.parametrize(("radius", "bits"), [(2, 2048), (1, 64), (3, 1024)])
def test_fingerprints_are_those_of_rdkit(radius, bits):
    generator = GetMorganGenerator(radius=radius, fpSize=bits)
    expected = [generator.GetFingerprintAsNumPy(Chem.MolFromSmiles(text)) for text in SMILES]
    features = ecfp(SMILES, radius, bits)
    np.testing.assert_array_equal(features.toarray(), expected)
    assert features.dtype == np.float32
    assert all(np.diff(features.indices[a:b]).min(initial=1) > 0 for a, b in spans(features))


def test_no_molecules_no_rows():
    assert ecfp([], bits=128).shape == (0, 128)


def test_processes_give_what_one_process_gives(monkeypatch):
    smiles = ["C" * n for n in range(1, 40)]
    serial = names(smiles), ecfp(smiles), descriptors(smiles)
    monkeypatch.setattr(parallel, "SERIAL_BELOW", 0)
    monkeypatch.setattr(parallel, "CHUNK", 7)
    assert names(smiles) == serial[0]
    assert (ecfp(smiles) != serial[1]).nnz == 0
    monkeypatch.setattr(_descriptors, "_CHUNK", 7)
    np.testing.assert_array_equal(descriptors(smiles), serial[2])


def test_a_molecule_that_cannot_be_parsed_is_refused():
    with pytest.raises(ValueError, match="must be molecules, got 'nonsense'"):
        ecfp(["C", "nonsense"])


def spans(features):
    return zip(features.indptr[:-1], features.indptr[1:], strict=True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3", "CCO"),
        ("CC[NH3+].[Cl-] |c:1,t:3|", "CCN"),
        ("CCO |$;;$,w:3.2|", "CCO"),
        ("InChI=1S/none", None),
        ("CCO |name", None),
    ],
)
def test_other_writings_of_a_molecule(text, name):
    assert standard_names([text], parent=True, stereo=True, max_atoms=9)[0][0] == name


def test_descriptors_are_rdkits_own_one_by_one():
    smiles = ["CC(=O)Oc1ccccc1C(=O)O", "C[N+](C)(C)CCO.[Cl-]", "C", "FC(F)(F)c1ccncc1S(N)(=O)=O"]
    of_rdkit = dict(Descriptors._descList)
    names = list(_descriptors.FUNCTIONS)
    found = descriptors(smiles)
    for row, text in zip(found, smiles, strict=True):
        for name, value in zip(names, row, strict=True):
            alone = of_rdkit[name](Chem.MolFromSmiles(text))
            assert value == alone or (np.isnan(value) and not np.isfinite(alone)), name
