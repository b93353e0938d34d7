"""Bit flips and truncations, by rule, of every file that cotrain reads back."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from small_models import make_models, molecule_table

from cotrain.allocation import Plan, augmentations, fit_id, rotations
from cotrain.exceptions import DataError
from cotrain.files import SUMS, read_checked, read_parquet, write_csv, write_parquet, write_sums
from cotrain.gradients import AffinityRecord
from cotrain.serving import TrainedModels
from cotrain.sources import RawTable
from cotrain.sources._text import read_text
from cotrain.tasks import TaskTable
from cotrain.training import FitResult, Journal, fit_rows, fit_table, load_fit_table, save_fit_table

FITS = augmentations(4, [1], rotations(6, 2, 1, 1, seed=0))
LEARNERS = {fit.learner: {} for fit in FITS}


def damages(data: bytes) -> list[bytes]:
    """A bit flipped at each of about 100 places, both ends dense; and cut at each of 12."""
    size = len(data)
    places = {*range(0, min(size, 40), 3), *range(max(0, size - 120), size, 3)}
    places |= set(np.linspace(0, size - 1, 50, dtype=int).tolist())
    flipped = []
    for place in sorted(places):
        changed = bytearray(data)
        changed[place] ^= 1 << (place % 8)
        flipped.append(bytes(changed))
    return flipped + [data[:end] for end in np.linspace(0, size - 1, 12, dtype=int)]


def task_table(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    table.save(folder / "tasks.npz")

    def read():
        found = TaskTable.load(folder / "tasks.npz")
        return [found.tasks, found.examples, found.labels.toarray(), found.features.toarray()]

    return folder / "tasks.npz", read


def measured(name: str) -> Callable:
    def make(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
        records = pd.DataFrame({"file": "f", "row": [2, 3], "example": ["a", "b"]})
        values = pd.DataFrame({"record": [0, 1], "task": "t", "value": [0.5, 1.5], "relation": ""})
        inputs, summary = pd.DataFrame({"smiles": ["C", "CC"]}), pd.DataFrame({"n": [1]})
        RawTable(records, inputs, values, summary, csr_array(np.eye(2, 5))).save(folder)

        def read():
            found = RawTable.load(folder)
            tables = [found.records, found.inputs, found.values, found.summary]
            return [*(table.to_dict() for table in tables), found.features.toarray()]

        return folder / name, read

    return make


def plan(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    Plan.of("grid", FITS, "v", LEARNERS).save(folder / "grid.parquet")
    return folder / "grid.parquet", lambda: [dict(Plan.load(folder / "grid.parquet").fits)]


def result(seed: int) -> FitResult:
    n_scores = fit_table([]).filter(like="val_").shape[1]
    values = np.random.default_rng(seed).random((2, 4, n_scores))
    return FitResult(np.arange(4), np.array([5, 0, 7, 9]), values[0], values[1], 20)


def fits(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    path = folder / "fits.parquet"
    rows = [fit_rows(table, "grid", f"{at:032x}", fit, result(at)) for at, fit in enumerate(FITS)]
    save_fit_table(path, fit_table(rows))
    return path, lambda: [load_fit_table(path).astype(str).to_dict()]


def affinity(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    square, counts, history = np.eye(3), np.eye(3, dtype=int), np.ones((2, 3, 3), np.float32)
    tasks, steps, path = np.arange(3), np.arange(2), folder / "repeat_0.npz"
    record = AffinityRecord(
        tasks, square, square, counts, counts, history, history, steps, steps, 5, 6
    )
    record.save(path)

    def read():
        found = AffinityRecord.load(path)
        return [found.affinity, found.history, found.counts, found.flops]

    return path, read


def models(name: str) -> Callable:
    def make(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
        molecules = molecule_table()
        make_models(molecules).save(folder / "models")

        def read():
            found = TrainedModels.load(folder / "models")
            shown = found.manifest.model_dump(exclude={"seal"})
            return [shown, found.predict(molecules.features[:5])]

        return folder / "models" / name, read

    return make


def checked(name: str) -> Callable:
    def make(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
        write_csv(folder / "a.csv", pd.DataFrame({"x": np.arange(30) / 7}))
        write_sums(folder)
        return folder / name, lambda: [read_checked(folder / "a.csv", "run it")]

    return make


KINDS = {
    "task table": task_table,
    "features": measured("features.npz"),
    "values": measured("values.parquet"),
    "inputs": measured("inputs.parquet"),
    "summary": measured("summary.csv"),
    "plan": plan,
    "fit table": fits,
    "affinity record": affinity,
    "models": models("models.json"),
    "weights": models("model-1/network.safetensors"),
    "molecules": models("known.safetensors"),
    "table of a stage": checked("a.csv"),
    "sums": checked(SUMS),
}


def assert_same(found: list, expected: list) -> None:
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_equal(left, right)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_told_in_one_line_or_read_as_it_was(kind, tmp_path, table):
    path, read = KINDS[kind](tmp_path, table)
    expected, data = read(), path.read_bytes()
    told = []
    for changed in damages(data):
        path.write_bytes(changed)
        try:
            found = read()
        except DataError as error:
            told.append(str(error))
        else:
            assert_same(found, expected)
    assert len(told) > len(damages(data)) / 2
    assert [line for line in told if "\n" in line or str(path.parent) not in line] == []
    assert [line for line in told if not line.endswith(" again")] == []
    path.write_bytes(data)
    assert_same(read(), expected)


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
        read_text(path)
