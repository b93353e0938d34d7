import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cotrain.allocation import augmentations, fit_id, rotations
from cotrain.exceptions import DataError
from cotrain.scores import SCORES
from cotrain.training import FitResult, Journal, fit_rows, fit_table, load_fit_table, save_fit_table

FIT = augmentations(4, [1], rotations(6, 2, 1, 1, seed=0))[2]
KEY = fit_id("v", FIT, {})


def scores(seed=0):
    rng = np.random.default_rng(seed)
    values = rng.random((2, 4, len(SCORES)))
    values[:, 1, :3] = np.nan
    return FitResult(np.arange(4), np.array([5, 0, 7, 9]), values[0], values[1], 20)


def assert_equal(found, expected):
    for name in ("tasks", "n_labels", "validation", "test"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_a_fit_comes_back_as_it_was(tmp_path):
    journal = Journal(tmp_path)
    journal.write(KEY, scores(), seconds=1.5)
    assert_equal(journal.read(KEY), scores())
    assert journal.recorded() == {KEY}
    assert journal.seconds([KEY, "unknown"]) == {KEY: 1.5}


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 cut short"])
def test_an_entry_that_cannot_be_read_is_no_entry(tmp_path, content):
    journal = Journal(tmp_path)
    journal.write(KEY, scores(), seconds=1.0)
    path = tmp_path / KEY[:2] / f"{KEY}.npz"
    path.write_bytes(content)
    assert journal.read(KEY) is None
    assert journal.seconds([KEY]) == {}


def test_a_file_half_written_is_no_entry(tmp_path):
    journal = Journal(tmp_path)
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / ".abc.npz.123.part").write_bytes(b"half")
    assert journal.recorded() == set()


def test_the_fit_table_brings_a_journal_back(table, tmp_path):
    rows = fit_table([fit_rows(table, "grid", KEY, FIT, scores())])
    save_fit_table(tmp_path / "fits.parquet", rows)
    journal = Journal(tmp_path / "journal")
    assert journal.absorb(load_fit_table(tmp_path / "fits.parquet")) == 1
    assert_equal(journal.read(KEY), scores())
    assert journal.absorb(rows) == 0
    assert journal.seconds([KEY]) == {}


def test_the_rows_of_a_fit_say_what_it_was(table):
    rows = fit_table([fit_rows(table, "grid", KEY, FIT, scores())])
    assert list(rows["task"]) == list(table.tasks)
    assert set(rows["auxiliary"]) == {table.tasks[FIT.auxiliary]}
    assert set(rows["evaluation_folds"]) == {"validation 2 3 4, test 5"}
    assert set(rows["members"]) == {"f"}
    assert rows["val_auroc"].iloc[0] == scores().validation[0, list(SCORES).index("auroc")]
    assert math.isnan(rows["test_log_loss"].iloc[1])


def test_the_weights_of_tasks_stand_in_the_fit_table(table, tmp_path):
    weighed = replace(FIT, task_weights=(0.25, 0.75, 1.0, 2.0))
    fits = {KEY: FIT, "0" * 32: weighed}
    rows = fit_table(fit_rows(table, "grid", key, fit, scores()) for key, fit in fits.items())
    save_fit_table(tmp_path / "fits.parquet", rows)
    found = load_fit_table(tmp_path / "fits.parquet").groupby("fit_id")["task_weights"].first()
    assert found["0" * 32] == "0.25 0.75 1 2"
    assert pd.isna(found[KEY])


def test_an_empty_fit_table_keeps_its_columns(tmp_path):
    save_fit_table(tmp_path / "fits.parquet", fit_table([]))
    assert "val_auroc" in load_fit_table(tmp_path / "fits.parquet").columns


def test_the_same_rows_give_the_same_bytes(table, tmp_path):
    for name in "ab":
        rows = fit_table([fit_rows(table, "grid", KEY, FIT, scores())])
        save_fit_table(tmp_path / name, rows)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_that_is_no_fit_table_is_one_clear_error(tmp_path):
    with pytest.raises(DataError, match="run `dvc repro`, or `dvc pull`"):
        load_fit_table(tmp_path / "fits.parquet")
    (tmp_path / "fits.parquet").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="not a fit table"):
        load_fit_table(tmp_path / "fits.parquet")
    pd.DataFrame({"fit_id": []}).to_parquet(tmp_path / "fits.parquet")
    with pytest.raises(DataError, match="not a fit table"):
        load_fit_table(tmp_path / "fits.parquet")
