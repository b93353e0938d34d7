import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.sources import Measurements

COLUMNS = ["file", "row", "example", "smiles", "task", "value"]
SUMMARY = pd.DataFrame({"step": ["read"], "examples": [2], "tasks": [2], "measurements": [2]})


def table(value: float = 1.0) -> pd.DataFrame:
    rows = [("f.csv", 2, "x", "C", "t2", value), ("f.csv", 3, "y", "CC", "t1", 2.0)]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_round_trip_and_same_bytes(tmp_path):
    features = csr_array(np.array([[0, 1, 0], [2, 0, 0]], dtype=np.float32))
    truth = pd.DataFrame({"task": ["t1"], "harmful": [True]})
    saved = Measurements(table(), SUMMARY, features, truth)
    saved.save(tmp_path / "a")
    loaded = Measurements.load(tmp_path / "a")
    assert loaded.tasks == ("t2", "t1")
    pd.testing.assert_frame_equal(loaded.table, saved.table)
    pd.testing.assert_frame_equal(loaded.truth, truth)
    np.testing.assert_array_equal(loaded.features.toarray(), features.toarray())
    loaded.save(tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_what_another_source_left_is_removed(tmp_path):
    features = csr_array(np.eye(2, dtype=np.float32))
    Measurements(table(), SUMMARY, features, SUMMARY).save(tmp_path)
    Measurements(table(), SUMMARY).save(tmp_path)
    loaded = Measurements.load(tmp_path)
    assert loaded.features is None
    assert loaded.truth is None


def test_load_errors(tmp_path):
    with pytest.raises(DataError, match="no measurements; run `cotrain fetch` first"):
        Measurements.load(tmp_path)
    Measurements(table(), SUMMARY).save(tmp_path)
    (tmp_path / "measurements.parquet").write_bytes(b"half")
    with pytest.raises(DataError, match="not measurements .* run `cotrain fetch`"):
        Measurements.load(tmp_path)


def test_parts_must_fit():
    with pytest.raises(DataError, match="holds no measurement"):
        Measurements(table().iloc[:0], SUMMARY)
    with pytest.raises(DataError, match="must be finite"):
        Measurements(table(np.nan), SUMMARY)
    with pytest.raises(DataError, match="features need 2 rows, one an example, got 3"):
        Measurements(table(), SUMMARY, csr_array(np.eye(3, dtype=np.float32)))
    with pytest.raises(DataError, match="need the columns"):
        Measurements(table().drop(columns="row"), SUMMARY)
