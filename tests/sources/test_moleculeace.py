import hashlib
import zipfile
from pathlib import Path

import pytest

from cotrain.exceptions import DataError
from cotrain.settings import load_settings
from cotrain.sources._moleculeace import MoleculeAce

ROOT = Path(__file__).parents[2]


@pytest.fixture
def no_index(monkeypatch, tmp_path):
    """Pip looks for packages in one empty folder only."""
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    return links


def make_wheel(folder: Path) -> str:
    """A wheel with two tasks; returns its SHA-256."""
    path = folder / "moleculeace-9.9.9-py3-none-any.whl"
    inside = "MoleculeACE/Data/benchmark_data"
    info = "moleculeace-9.9.9.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: MoleculeACE\nVersion: 9.9.9\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
        header = "smiles,exp_mean [nM],y,cliff_mol,split\n"
        wheel.writestr(f"{inside}/CHEMBL2_Ki.csv", header + "CCO,10,-1,0,train\n")
        wheel.writestr(f"{inside}/CHEMBL1_EC50.csv", header + "C,1,0,0,test\nCCO,1000,-3,1,train\n")
        wheel.writestr("MoleculeACE/Data/results/other.csv", "a\n1\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_reads_the_wheel_once_from_pip_then_from_the_cache(no_index, tmp_path):
    source = MoleculeAce.Settings(kind="moleculeace", version="9.9.9", sha256=make_wheel(no_index))
    measurements = MoleculeAce(source).read(tmp_path)
    assert measurements.records.to_numpy().tolist() == [
        ["CHEMBL1_EC50.csv", 2, "C"],
        ["CHEMBL1_EC50.csv", 3, "CCO"],
        ["CHEMBL2_Ki.csv", 2, "CCO"],
    ]
    assert measurements.values.to_numpy().tolist() == [
        [0, "CHEMBL1_EC50", 1.0, ""],
        [1, "CHEMBL1_EC50", 1000.0, ""],
        [2, "CHEMBL2_Ki", 10.0, ""],
    ]
    assert measurements.inputs["smiles"].tolist() == ["C", "CCO", "CCO"]
    for path in no_index.iterdir():
        path.unlink()
    assert MoleculeAce(source).read(tmp_path).values.equals(measurements.values)


def test_a_damaged_cache_is_downloaded_again(no_index, tmp_path):
    source = MoleculeAce.Settings(kind="moleculeace", version="9.9.9", sha256=make_wheel(no_index))
    MoleculeAce(source).read(tmp_path)
    (kept,) = (tmp_path / ".cotrain").iterdir()
    kept.write_bytes(b"half a wheel")
    assert len(MoleculeAce(source).read(tmp_path).values) == 3


def test_a_wrong_hash_is_one_clear_error_and_nothing_is_kept(no_index, tmp_path):
    found = make_wheel(no_index)
    source = MoleculeAce.Settings(kind="moleculeace", version="9.9.9", sha256="0" * 64)
    with pytest.raises(DataError, match=f"has SHA-256 {found}, expected 0000") as caught:
        MoleculeAce(source).read(tmp_path)
    assert "`fetch.kind` to table (your own file) or synthetic" in str(caught.value)
    assert not (tmp_path / ".cotrain").exists()


def test_no_network_is_one_clear_error(no_index, tmp_path):
    source = MoleculeAce.Settings(kind="moleculeace", version="9.9.9", sha256="0" * 64)
    with pytest.raises(DataError, match=r"MoleculeACE==9.9.9 cannot be downloaded") as caught:
        MoleculeAce(source).read(tmp_path)
    assert "No matching distribution found" in str(caught.value)
    assert "`fetch.kind` to table (your own file) or synthetic" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_real_wheel(tmp_path):
    source = load_settings(ROOT / "params.yaml").fetch
    try:
        measurements = MoleculeAce(source).read(tmp_path)
    except DataError as error:
        if "cannot be downloaded" not in str(error):
            raise
        pytest.skip(f"no network: {error}")
    assert measurements.summary.to_numpy().tolist() == [["read", 35633, 30, 48714]]
    at = measurements.values["record"][measurements.values["task"] == "CHEMBL204_Ki"].iloc[0]
    first = measurements.records.iloc[at]
    assert (first["file"], first["row"]) == ("CHEMBL204_Ki.csv", 2)
