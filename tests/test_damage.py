"""Bit flips and truncations, by rule, of every file that cotrain reads back."""

import gzip
import hashlib

import numpy as np
import pandas as pd
import pytest
from damaged_files import (
    FITS,
    FOREIGN,
    KINDS,
    assert_same,
    damages,
    read_or_told,
    result,
)

from cotrain.allocation import fit_id
from cotrain.exceptions import DataError
from cotrain.files import SUMS, read_parquet, write_parquet, write_sums
from cotrain.gradients import AffinityRecord
from cotrain.sources import read_table
from cotrain.training import Journal


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_told_in_one_line_or_read_as_it_was(kind, tmp_path, table):
    path, read = KINDS[kind](tmp_path, table)
    expected, data = read(), path.read_bytes()
    told = []
    for changed in damages(data):
        path.write_bytes(changed)
        found = read_or_told(read)
        if isinstance(found, str):
            told.append(found)
        else:
            assert_same(found, expected)
    assert len(told) > len(damages(data)) / 2
    assert [line for line in told if str(path.parent) not in line] == []
    assert [line for line in told if not line.endswith((" again", "name or storage"))] == []
    path.write_bytes(data)
    assert_same(read(), expected)


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_damaged_file_of_others_is_read_or_told_in_one_line(kind, tmp_path, table):
    path, read = FOREIGN[kind](tmp_path, table)
    assert not isinstance(read_or_told(read), str)
    data = path.read_bytes()
    found = []
    for changed in damages(data):
        path.write_bytes(changed)
        found.append(read_or_told(read))
    told = [line for line in found if isinstance(line, str)]
    assert [line for line in told if path.name not in line] == []
    # A cut CSV is a shorter CSV, but no cut archive is one.
    assert told or kind in ("csv", "sdf", "dvc.lock")


def test_a_damaged_or_foreign_entry_of_the_journal_is_no_entry(tmp_path):
    journal = Journal(tmp_path)
    one, other = (fit_id("v", fit, {}) for fit in FITS[:2])
    journal.write(one, result(0), 1.0)
    journal.write(other, result(1), 2.0)
    path = tmp_path / one[:2] / f"{one}.npz"
    data = path.read_bytes()
    for changed in damages(data):
        path.write_bytes(changed)
        assert journal.read(one) is None
        assert journal.seconds([one]) == {}
        assert journal.damaged() == [path]
    path.write_bytes((tmp_path / other[:2] / f"{other}.npz").read_bytes())
    assert journal.read(one) is None
    path.write_bytes(data)
    np.testing.assert_equal(journal.read(one).validation, result(0).validation)
    assert journal.damaged() == []


def test_a_file_of_another_kind_is_told(tmp_path, table):
    table.save(tmp_path / "repeat_0.npz")
    with pytest.raises(DataError, match="not an affinity record .it is a task table.; run"):
        AffinityRecord.load(tmp_path / "repeat_0.npz")


def test_a_table_of_another_program_is_read_as_it_is(tmp_path):
    path, frame = tmp_path / "a.parquet", pd.DataFrame({"a": [1, 2]})
    frame.to_parquet(path)
    pd.testing.assert_frame_equal(read_parquet(path, "table", "run it"), frame)
    for changed in damages(path.read_bytes())[-12:]:
        path.write_bytes(changed)
        with pytest.raises(DataError, match="not a table"):
            read_parquet(path, "table", "run it")


def test_the_same_table_gives_the_same_bytes_and_keeps_its_attributes(tmp_path):
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", None]})
    frame.attrs["rounds"] = {"n": 3}
    for name in "ab":
        write_parquet(tmp_path / name, frame, "table")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found = read_parquet(tmp_path / "a", "table", "run it")
    assert found.attrs == frame.attrs == {"rounds": {"n": 3}}


def test_sums_are_those_of_sha256sum(tmp_path):
    (tmp_path / "a.json").write_bytes(b"{}")
    write_sums(tmp_path)
    assert (tmp_path / SUMS).read_text() == f"{hashlib.sha256(b'{}').hexdigest()}  a.json\n"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_compressed_file_cut_short_is_one_line(tmp_path, share):
    data = gzip.compress(b"smiles,a\n" + b"C,1\nCC,0\n" * 2000)
    path = tmp_path / "scores.csv.gz"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError, match=r"scores\.csv\.gz: "):
        read_table(path)
