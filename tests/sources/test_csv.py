from pathlib import Path

import pytest

from cotrain.exceptions import DataError
from cotrain.settings import CsvSource
from cotrain.sources import inspect_csv, read_csv

WIDE = "name,smiles,b,a\nx,CCO,1,\ny,CCN,,2.5\n\nz,CCC,3e0, 4 \nw,CCCC,,\n"
LONG = "smiles,target,ki\nCCO,B,1\nCCN,A,2.5\nCCC,B,\nCCC,A,4\nCCO,B,3\n"


def wide(**changes) -> CsvSource:
    values = {"path": "my.csv", "layout": "wide", "smiles": "smiles", "example": None}
    return CsvSource(**values | {"tasks": None, "task": None, "value": None} | changes)


def long(**changes) -> CsvSource:
    return wide(**{"layout": "long", "task": "target", "value": "ki"} | changes)


def read(folder: Path, text: str | bytes, source: CsvSource):
    path = folder / "my.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(source, folder)


def rows(measurements) -> list[tuple]:
    columns = ["file", "row", "example", "smiles", "task", "value"]
    return list(measurements.table[columns].itertuples(index=False, name=None))


def test_wide(tmp_path):
    measurements = read(tmp_path, WIDE, wide(example="name"))
    # Rows as a spreadsheet counts them, the blank one included; tasks in the file's order.
    assert rows(measurements) == [
        ("my.csv", 2, "x", "CCO", "b", 1.0),
        ("my.csv", 5, "z", "CCC", "b", 3.0),
        ("my.csv", 3, "y", "CCN", "a", 2.5),
        ("my.csv", 5, "z", "CCC", "a", 4.0),
    ]
    assert measurements.tasks == ("b", "a")


def test_wide_with_chosen_tasks(tmp_path):
    assert read(tmp_path, WIDE, wide(tasks=["a"])).tasks == ("a",)


def test_long_keeps_repeats(tmp_path):
    measurements = read(tmp_path, LONG, long())
    assert [row[1:] for row in rows(measurements)] == [
        (2, "CCO", "CCO", "B", 1.0),
        (6, "CCO", "CCO", "B", 3.0),
        (3, "CCN", "CCN", "A", 2.5),
        (5, "CCC", "CCC", "A", 4.0),
    ]


def test_byte_order_mark_and_quoted_commas(tmp_path):
    measurements = read(tmp_path, '\ufeffsmiles,"Ki, nM"\nCCO,5\n', wide())
    assert measurements.tasks == ("Ki, nM",)


@pytest.mark.parametrize(
    ("text", "source", "message"),
    [
        ("", wide(), r"my\.csv: the file is empty; it needs a header and rows"),
        ("smiles,a\n", wide(), "no row below the header"),
        (
            "smile,a\nC,1\n",
            wide(),
            r"no column `smiles`, which `fetch.csv.smiles` names; did you me",
        ),
        ("q,a\nC,1\n", wide(), r"no column `smiles`.* it has q, a"),
        ("smiles,a\nC,1\n", wide(tasks=["b"]), "no column `b`, which `fetch.csv.tasks` names"),
        ("smiles,a\nC,1\n", wide(example="id"), "no column `id`, which `fetch.csv.example` names"),
        ("smiles,a,a\nC,1,2\n", wide(), "the column `a` stands twice in the header; rename one"),
        ("smiles,a,\nC,1,2\n", wide(), "column 3 has no name in the header"),
        ("smiles,a,b\nC,1,\nCC,2,\n", wide(), "the column `b` is blank in every row"),
        ("smiles,a,b\nC,1,\n", wide(tasks=["b"]), "the column `b` is blank in every row"),
        (
            "smiles,a\nC,1\nCC,2\nCCC,>10\n",
            wide(),
            r"row 4, column `a`: '>10' is not a number; wri",
        ),
        ("smiles,a\nC,1\nCC,nan\n", wide(), r"row 3, column `a`: 'nan' is not a number"),
        ("smiles,a\nC,1\nCC,inf\n", wide(), r"row 3, column `a`: 'inf' is not a number"),
        ("smiles,a\nC,one\n", wide(), "no column of numbers beside the molecules"),
        ("smiles,a\n,1\n", wide(), "the column `smiles` is blank in every row"),
        ("smiles;a\nC;1\n", wide(), "must be separated by commas"),
        ("smiles,a\nC,1\nCC,1,2\n", wide(), r"not valid CSV \(.*line 3, saw 3\); mend that line"),
        ("smiles,ä\nC,1\n".encode("latin-1"), wide(), "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", wide(), "not UTF-8"),
        ("smiles,target,ki\nC,,1\n", long(), r"row 2, column `target`: no task; name it"),
        ("smiles,target,ki\nC,A,1\nC,B,\n", long(), "the task `B` has no value in any row"),
        ("smiles,target,ki\nC,A,x\n", long(), r"row 2, column `ki`: 'x' is not a number"),
        ("smiles,tarqet,ki\nC,A,1\n", long(), r"`fetch.csv.task` names; did you mean `tarqet`"),
        ("smiles,target,ki\nC,A,1\n", long(tasks=["B"]), "no row of the task `B`"),
    ],
)
def test_bad_input(tmp_path, text, source, message):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, text, source)
    assert "my.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"my\.csv: cannot be read \(No such file"):
        read_csv(wide(), tmp_path)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "my.csv").mkdir()
    with pytest.raises(DataError, match=r"my\.csv: cannot be read \(Is a directory\)"):
        read_csv(wide(), tmp_path)


def test_inspect(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text("id,SMILES,a,b\nx,C,1,\ny,CC,0,1\n")
    found = inspect_csv(path, None)
    assert (found.smiles, found.tasks, found.is_binary) == ("SMILES", ("a", "b"), True)
    path.write_text("id,mol,a,b\nx,C,1,\ny,CC,0,1.5\n")
    assert not inspect_csv(path, "mol").is_binary
    with pytest.raises(DataError, match="no column `smiles`; name the column of molecules"):
        inspect_csv(path, None)
