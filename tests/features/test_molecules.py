import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from cotrain import parallel
from cotrain.features import canonical_smiles, ecfp

SMILES = ["CCO", "c1ccccc1C(=O)N", "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "[Na+].[Cl-]", "C"]


def test_one_molecule_has_one_name():
    assert canonical_smiles(["OCC", "CCO", "C(O)C"]) == ["CCO"] * 3


def test_what_cannot_be_parsed_has_no_name_and_prints_nothing(capfd):
    assert canonical_smiles(["CCO", "nonsense", "", "C1CC", "c1cccc1"]) == ["CCO"] + [None] * 4
    assert capfd.readouterr() == ("", "")


def test_salts_are_left_as_they_are():
    assert canonical_smiles(["CC(=O)[O-].[Na+]"]) == ["CC(=O)[O-].[Na+]"]


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
    serial = canonical_smiles(smiles), ecfp(smiles)
    monkeypatch.setattr(parallel, "SERIAL_BELOW", 0)
    monkeypatch.setattr(parallel, "CHUNK", 7)
    assert canonical_smiles(smiles) == serial[0]
    assert (ecfp(smiles) != serial[1]).nnz == 0


def test_a_molecule_that_cannot_be_parsed_is_refused():
    with pytest.raises(ValueError, match="must be molecules, got 'nonsense'"):
        ecfp(["C", "nonsense"])


def spans(features):
    return zip(features.indptr[:-1], features.indptr[1:], strict=True)
