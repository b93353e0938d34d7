"""The contract of tables: what is written comes back, and nothing else can be written."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cotrain.exceptions import DataError
from cotrain.tables import TABLES, read, write

NAMES = [
    "NA", "null", "007", "mean", "task", "grouping", "fold", "index", "",
    '=HYPERLINK("http://x","y")', "-log10", "+1", "@cmd", "'quoted", "'=twice", "two\nlines",
    'say "hi", a', "日本語",
]  # fmt: skip


def transfer(names: list[str]) -> pd.DataFrame:
    number = np.arange(len(names)) / 3
    numbers = {c.name: number for c in TABLES["transfer"].columns if c.type == "number"}
    return pd.DataFrame({"task": names, "verdict": "helps", "withheld": "", **numbers})


def test_any_name_and_every_bit_of_a_number_come_back(tmp_path: Path) -> None:
    frame = transfer(NAMES)
    frame.loc[2, "gain"] = np.nan
    write(tmp_path, "transfer", frame)
    found = read(tmp_path, "transfer")
    pd.testing.assert_frame_equal(found[list(frame)], frame, check_exact=True)


def test_no_name_starts_a_formula(tmp_path: Path) -> None:
    write(tmp_path, "transfer", transfer(NAMES))
    cells = pd.read_csv(tmp_path / "transfer.csv", keep_default_na=False)["task"]
    assert cells[cells.str.match(r"[=+\-@\t\r]")].tolist() == ["+1"]  # a number, as it stands


@pytest.mark.parametrize("change", ["drop", "add"])
def test_other_columns_cannot_be_written(tmp_path: Path, change: str) -> None:
    frame = transfer(["a"])
    frame = frame.drop(columns="gain") if change == "drop" else frame.assign(more=1)
    with pytest.raises(ValueError, match="table `transfer` has the columns"):
        write(tmp_path, "transfer", frame)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [1.5, np.nan])
def test_an_integer_is_whole_and_known(tmp_path: Path, value: float) -> None:
    frame = pd.DataFrame({"measure": ["a"], "n_fits": [value], "gflop": 1.0, "seconds": 1.0})
    with pytest.raises(ValueError, match="`n_fits`"):
        write(tmp_path, "costs", frame)


@pytest.mark.parametrize(
    ("column", "cell", "wanted"),
    [
        ("n_fits", "2.5", "a whole number"),
        ("n_fits", "", "a whole number"),
        ("gflop", "x", "a num"),
    ],
)
def test_a_wrong_cell_names_its_row_and_column(tmp_path: Path, column, cell, wanted) -> None:
    cells = {"measure": "a", "n_fits": "1", "gflop": "1", "seconds": "1"}
    text = "\n".join(",".join(row.values()) for row in (cells, cells | {column: cell}))
    (tmp_path / "costs.csv").write_text(f"measure,n_fits,gflop,seconds\n{text}\n")
    with pytest.raises(DataError, match=f"costs.csv: row 3, column `{column}` must be {wanted}"):
        read(tmp_path, "costs")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_rows_keeps_its_types(tmp_path: Path, name: str) -> None:
    empty = TABLES[name].empty()
    write(tmp_path, name, empty)
    pd.testing.assert_frame_equal(read(tmp_path, name), empty)
    assert len({column.name for column in TABLES[name].columns}) == len(TABLES[name].columns)


def test_every_line_of_the_page_is_understood() -> None:
    page = (files("cotrain.tables") / "tables.md").read_text(encoding="utf-8")
    columns = [column for table in TABLES.values() for column in table.columns]
    assert len(TABLES) == page.count("\n## ")
    assert len(columns) == page.count("\n| `")
    assert {column.type for column in columns} == {"name", "word", "integer", "number", "flag"}
    assert {table.stage for table in TABLES.values()} <= {
        "prepare", "analyze", "group", "validate", "votes",
    }  # fmt: skip
