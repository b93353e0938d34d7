import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.sources import RawTable

SUMMARY = pd.DataFrame({"step": ["read"], "examples": [2], "tasks": [2], "measurements": [2]})


def raw(**changes) -> RawTable:
    parts = {
        "records": pd.DataFrame({"file": "f.csv", "row": [2, 3], "example": ["x", "y"]}),
        # Names as ours do no harm among the user's.
        "inputs": pd.DataFrame({"smiles": ["C", "CC"], "record": ["a", "b"], "row": ["1", "2"]}),
        "values": pd.DataFrame(
            {"record": [0, 1], "task": ["t2", "t1"], "value": [1.0, 2.0], "relation": ["", ">"]}
        ),
        "summary": SUMMARY,
    }
    return RawTable(**parts | changes)


@pytest.mark.parametrize(
    "features",
    [
        csr_array(np.array([[0, 1, 0], [2, 0, 0]], dtype=np.float32)),
        np.arange(12, dtype=np.float32).reshape(2, 3, 2),
    ],
    ids=["sparse", "dense"],
)
def test_round_trip_and_same_bytes(tmp_path, features):
    saved = raw(features=features, truth=pd.DataFrame({"task": ["t1"], "harmful": [True]}))
    saved.save(tmp_path / "a")
    loaded = RawTable.load(tmp_path / "a")
    assert loaded.tasks == ("t2", "t1")
    for name in ("records", "inputs", "values", "truth"):
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(saved, name))
    assert type(loaded.features) is type(features)
    assert abs(loaded.features - features).max() == 0
    loaded.save(tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_what_another_source_left_is_removed(tmp_path):
    features = csr_array(np.eye(2, dtype=np.float32))
    raw(features=features, truth=SUMMARY).save(tmp_path)
    raw().save(tmp_path)
    loaded = RawTable.load(tmp_path)
    assert loaded.features is None
    assert loaded.truth is None


def test_some_records_keep_what_belongs_to_them():
    part = raw(features=np.eye(2, dtype=np.float32)).take([1])
    assert part.records["example"].tolist() == ["y"]
    assert part.column("smiles", "key").tolist() == ["CC"]
    np.testing.assert_array_equal(part.features, [[0, 1]])
    assert part.values.empty


def test_load_errors(tmp_path):
    with pytest.raises(DataError, match="no table of records here; run `cotrain fetch` first"):
        RawTable.load(tmp_path)
    raw().save(tmp_path)
    (tmp_path / "values.parquet").write_bytes(b"half")
    with pytest.raises(DataError, match="not a table of .* run `cotrain fetch`"):
        RawTable.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"records": pd.DataFrame({"row": [2, 3]})}, "`records` needs the columns"),
        ({"values": raw().values.drop(columns="relation")}, "`values` needs the columns"),
        ({"values": raw().values.assign(value=np.inf)}, "must be finite"),
        ({"values": raw().values.assign(record=[0, 2])}, "a record beyond the 2 that there are"),
        ({"values": raw().values.assign(relation="?")}, "`relation` must be one of"),
        ({"inputs": pd.DataFrame({"a": [1]})}, "`inputs` needs 2 rows, one a record, got 1"),
        ({"features": np.eye(3, dtype=np.float32)}, "`features` needs 2 rows"),
    ],
)
def test_parts_must_fit(changes, message):
    with pytest.raises(DataError, match=message):
        raw(**changes)


def test_nothing_measured_is_not_saved(tmp_path):
    with pytest.raises(DataError, match="holds no measurement; check `fetch`"):
        dataclasses.replace(raw(), values=raw().values.iloc[:0]).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_column_that_is_not_there():
    with pytest.raises(DataError, match="no column `smile`, which `k` names; did you mean `smil"):
        raw().column("smile", "k")
