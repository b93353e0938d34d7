import dataclasses
import hashlib

import numpy as np
import pytest
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.tasks import TaskTable, file_version


def test_save_and_load_keep_everything_stored_zeros_included(table, tmp_path):
    path = tmp_path / "tasks.npz"
    table.save(path)
    loaded = TaskTable.load(path)
    assert loaded.labels.nnz == table.labels.nnz
    assert (loaded.labels.data == 0).any()
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(loaded.labels, name), getattr(table.labels, name))
        np.testing.assert_array_equal(getattr(loaded.features, name), getattr(table.features, name))
    np.testing.assert_array_equal(loaded.folds, table.folds)
    assert (loaded.tasks, loaded.kinds, loaded.examples) == (
        table.tasks,
        table.kinds,
        table.examples,
    )


def test_names_beyond_ascii_survive(table, tmp_path):
    named = dataclasses.replace(table, tasks=("αβ", "b/ü", "c d", "日本"))
    named.save(tmp_path / "tasks.npz")
    assert TaskTable.load(tmp_path / "tasks.npz").tasks == named.tasks


def test_the_same_table_gives_the_same_bytes(table, tmp_path):
    table.save(tmp_path / "a.npz")
    TaskTable.load(tmp_path / "a.npz").save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_label_counts_agree_with_a_loop(table):
    labels = table.labels.tocoo()
    counts = np.zeros((table.n_tasks, table.n_folds), dtype=int)
    positives = np.zeros_like(counts)
    for row, task, value in zip(*labels.coords, labels.data, strict=True):
        counts[task, table.folds[row]] += 1
        positives[task, table.folds[row]] += value == 1
    np.testing.assert_array_equal(table.label_counts, counts)
    np.testing.assert_array_equal(table.positive_counts, positives)


def test_the_version_of_a_file_is_its_md5(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert file_version(tmp_path / "file") == hashlib.md5(b"abc").hexdigest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks": ("a", "b", "a", "c")}, "task names must differ, got twice: a"),
        ({"folds": np.zeros(3, dtype=int)}, "folds must have 120 entries"),
        ({"folds": np.full(120, 6)}, r"folds must be in 0 \.\. 5, got 6"),
        ({"kinds": ("binary", "real", "ranks", "real")}, "kinds must be 4 of"),
        ({"labels": csr_array((120, 3), dtype=np.float32)}, "labels must have shape"),
        ({"labels": csr_array(np.full((120, 4), 0.5, np.float32))}, "must be 0 or 1"),
        ({"labels": csr_array(np.full((120, 4), np.nan, np.float32))}, "finite"),
    ],
)
def test_parts_that_do_not_fit_are_refused(table, change, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(table, **change)


def test_an_empty_table_is_refused(table):
    with pytest.raises(DataError, match="needs examples and tasks, got 0"):
        TaskTable(
            features=csr_array((0, 4), dtype=np.float32),
            labels=csr_array((0, 4), dtype=np.float32),
            folds=np.zeros(0, dtype=int),
            tasks=table.tasks,
            kinds=table.kinds,
            examples=(),
            n_folds=3,
        )


@pytest.mark.parametrize("content", [b"", b"not a table", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_table_is_one_clear_error(tmp_path, content):
    path = tmp_path / "tasks.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a task table"):
        TaskTable.load(path)


def test_a_missing_table_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(DataError, match="run `cotrain prepare` first"):
        TaskTable.load(tmp_path / "tasks.npz")


def test_a_pickled_object_is_not_loaded(table, tmp_path):
    path = tmp_path / "tasks.npz"
    np.savez(path, shape=np.array([{"code": "evil"}], dtype=object))
    with pytest.raises(DataError, match="not a task table"):
        TaskTable.load(path)
