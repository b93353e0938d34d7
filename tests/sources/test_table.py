"""The user's table: right values from cells, layouts, units and files of several kinds."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cotrain.exceptions import DataError
from cotrain.sources import Table, read_cells, read_table
from cotrain.sources._cells import factors
from cotrain.testing import SourceContract

WIDE = "name,smiles,b,a\nx,CCO,1,\ny,CCN,,2.5\n\nz,CCC,3e0, 4 \nw,CCCC,,NA\n"
LONG = "smiles,target,kind,ki,mark,unit\nCCO,B,Ki,1,=,nM\nCCN,A,Ki,2.5,>,uM\nCCC,B,Ki,ND,,nM\nCCC,A,Ki,4,,%\nCCO,B,Kd,3,<,nM\n"


def settings(**changes) -> Table.Settings:
    values = {"kind": "table", "path": "my.csv", "layout": "wide", "id": None, "tasks": ["b", "a"]}
    return Table.Settings(**values | changes)


def long(**changes) -> Table.Settings:
    return settings(**{"layout": "long", "tasks": None, "task": "target", "value": "ki"} | changes)


def read(folder, text, wanted):
    (folder / wanted.path).write_text(text)
    return Table(wanted).read(folder)


def rows(raw) -> list[tuple]:
    """Row of the file, task, value and relation of each measurement."""
    place = raw.records["row"].to_numpy()[raw.values["record"]]
    parts = raw.values.drop(columns="record").itertuples(index=False, name=None)
    return [(int(row), *part) for row, part in zip(place, parts, strict=True)]


class TestContract(SourceContract):
    def make(self):
        return Table(settings(id="name"))

    def folder(self, tmp_path):
        (tmp_path / "my.csv").write_text(WIDE)
        return tmp_path


def test_wide(tmp_path):
    raw = read(tmp_path, WIDE, settings(id="name"))
    # Rows as a spreadsheet counts them, the blank one included; tasks in the settings' order.
    assert rows(raw) == [(2, "b", 1.0, ""), (5, "b", 3.0, ""), (3, "a", 2.5, ""), (5, "a", 4.0, "")]
    assert raw.records["example"].tolist() == ["x", "y", "row 4", "z", "w"]
    assert list(raw.inputs) == ["name", "smiles"]


def test_long_keeps_repeats_and_joins_task_columns(tmp_path):
    raw = read(tmp_path, LONG, long(task=["target", "kind"], relation="mark"))
    assert rows(raw) == [
        (2, "B / Ki", 1.0, ""),
        (3, "A / Ki", 2.5, ">"),
        (5, "A / Ki", 4.0, ""),
        (6, "B / Kd", 3.0, "<"),
    ]


def test_units_are_converted_or_left_out_and_counted(tmp_path):
    raw = read(tmp_path, LONG, long(units={"column": "unit", "to": "nM"}))
    assert [row[:3] for row in rows(raw)] == [(2, "B", 1.0), (6, "B", 3.0), (3, "A", 2500.0)]
    counted = raw.summary.set_index("step")["measurements"]
    assert counted["values left out: unit '%' is not nM"] == 1
    assert factors(pd.Series(["M", "mM", "µM", "pM"]), "uM").tolist() == [1e6, 1e3, 1, 1e-6]


def test_a_column_of_marks_beside_the_values(tmp_path):
    text = "smiles,a,a modifier\nC,5,>\nCC,6,=\nCCC,<7,\n"
    raw = read(tmp_path, text, settings(tasks=["a"], relations={"a": "a modifier"}))
    assert rows(raw) == [(2, "a", 5.0, ">"), (3, "a", 6.0, ""), (4, "a", 7.0, "<")]
    assert list(raw.inputs) == ["smiles"]


@pytest.mark.parametrize(
    ("text", "value", "relation"),
    [
        ("5", 5, ""), ("1e3", 1000, ""), ("+.5", 0.5, ""), (">10000", 10000, ">"),
        ("> 10", 10, ">"), (">=10", 10, ">"), ("≥10", 10, ">"), ("< 0.5", 0.5, "<"),
        ("≤2", 2, "<"), ("~7", 7, ""), ("=120", 120, ""), ("<-3", -3, "<"),
        ("True", 1, ""), ("INACTIVE", 0, ""), ("Yes", 1, ""), ("inconclusive", None, ""),
        ("NA", None, ""), ("n/a", None, ""), ("nan", None, ""), ("-", None, ""), ("?", None, ""),
        ("ND", None, ""), ("", None, ""), ("None", None, ""), ("N.D.", None, ""),
    ],
)  # fmt: skip
def test_cells(text, value, relation):
    found = read_cells(pd.Series([text], dtype=object))
    assert not found.wrong[0]
    assert found.relation[0] == relation
    assert found.value[0] == value if value is not None else np.isnan(found.value[0])


def test_decimal_commas_among_what_features_are_made_of(tmp_path):
    text = "dose;note;year;b;a\n1,5;1,5;2019;1;2,5\n1.234,5;see 3,5;2020;2;3\n0,25;;2021;3;4\n"
    inputs = read(tmp_path, text, settings()).inputs
    assert inputs["dose"].tolist() == ["1.5", "1234.5", "0.25"]
    assert inputs["note"].tolist() == ["1,5", "see 3,5", ""]
    assert inputs["year"].tolist() == ["2019", "2020", "2021"]


def test_decimal_commas_gaps_and_words_of_the_user():
    cells = pd.Series(["5,70", "1.234,5", "> 3,5", "k.A.", "maybe", "x"], dtype=object)
    found = read_cells(cells, ",", ["K.a."], {"Maybe": 1})
    assert found.value.tolist()[:3] == [5.7, 1234.5, 3.5]
    assert np.isnan(found.value[3])
    assert found.value[4] == 1
    assert found.wrong.tolist() == [False] * 5 + [True]


def test_all_odd_marks_are_listed_at_once(tmp_path):
    text = "smiles,a,b\nC,odd,1\nC,odd,2\nC,3,strange\n"
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, settings())
    said = str(caught.value)
    assert "row 4, column `b`: 'strange' is not a number" in said
    assert "not numbers are 'odd' (2) and 'strange' (1)" in said
    assert '`fetch.na_values: ["odd", "strange"]`' in said


GOOD = "smiles,IC50 µM,b\nC,5.5,1\nCC,6.25,0\n"


@pytest.mark.parametrize(
    ("name", "data", "format_"),
    [
        ("a.csv", GOOD.encode(), (",", ".", "utf-8-sig")),
        ("a.csv", GOOD.encode("utf-8-sig").replace(b"\n", b"\r\n"), (",", ".", "utf-8-sig")),
        ("a.csv", GOOD.encode("utf-16"), (",", ".", "utf-16")),
        ("a.csv", GOOD.encode("cp1252"), (",", ".", "cp1252")),
        ("a.tsv", GOOD.replace(",", "\t").encode(), ("\t", ".", "utf-8-sig")),
        ("a.csv", GOOD.replace(",", ";").replace(".", ",").encode(), (";", ",", "utf-8-sig")),
        ("a.csv", GOOD.replace("\n", ",,\n").encode() + b",,,,\n,,,,\n", (",", ".", "utf-8-sig")),
        ("a.csv.gz", gzip.compress(GOOD.encode()), (",", ".", "utf-8-sig")),
    ],
    ids=["plain", "mark and CRLF", "UTF-16", "cp1252", "tabs", "German", "trailing", "gz"],
)
def test_text_as_it_is_written(tmp_path, name, data, format_):
    (tmp_path / name).write_bytes(data)
    table = read_table(tmp_path / name)
    assert tuple(table.format.model_dump().values())[:3] == format_
    assert list(table.cells) == ["smiles", "IC50 µM", "b"]
    assert table.cells.index.tolist() == [2, 3]
    values = read_cells(table.cells["IC50 µM"], table.format.decimal).value
    assert values.tolist() == [5.5, 6.25]


def test_a_comma_in_the_header_of_a_table_with_semicolons(tmp_path):
    (tmp_path / "a.csv").write_text("smiles;IC50, A;IC50, B\nC;5,7;\nCC;;6,1\n")
    assert list(read_table(tmp_path / "a.csv").cells) == ["smiles", "IC50, A", "IC50, B"]


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet"])
def test_excel_and_parquet(tmp_path, name):
    frame = pd.DataFrame({"smiles": ["C", "CC"], "a": [5.5, None], "b": [True, False]})
    path = tmp_path / name
    frame.to_excel(path, index=False) if name == "a.xlsx" else frame.to_parquet(path)
    cells = read_table(path).cells
    assert cells["smiles"].tolist() == ["C", "CC"]
    assert read_cells(cells["a"]).value.tolist()[0] == 5.5
    assert np.isnan(read_cells(cells["a"]).value.iloc[1])
    assert read_cells(cells["b"]).value.tolist() == [1, 0]


def test_molecules_of_an_sd_file(tmp_path):
    from rdkit import Chem

    with Chem.SDWriter(str(tmp_path / "a.sdf")) as writer:
        for smiles, value in (("CCO", "1.5"), ("CCN", ">3")):
            molecule = Chem.MolFromSmiles(smiles)
            molecule.SetProp("_Name", f"name of {smiles}")
            molecule.SetProp("pIC50", value)
            writer.write(molecule)
    cells = read_table(tmp_path / "a.sdf").cells
    assert cells.to_numpy().tolist() == [
        ["CCO", "name of CCO", "1.5"],
        ["CCN", "name of CCN", ">3"],
    ]
    assert cells.index.tolist() == [1, 2]


def test_of_molecules_that_cannot_be_read_the_fields_are_kept(tmp_path):
    atom = "    0.0000    0.0000    0.0000 C   0  0"
    whole = f"no\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n{atom}\nM  END\n"
    broken = whole.replace(atom, "?")
    data = "> <pIC50>\n5\n\n>  <a é>  (1)\nx\ny\n\n$$$$\n"
    text = f"{whole}{data}{broken}{data}{whole}{data}"[:-5].replace("\n", "\r\n")
    (tmp_path / "a.sdf").write_bytes(text.encode("cp1252"))
    cells = read_table(tmp_path / "a.sdf").cells
    assert cells["smiles"].tolist() == ["C", "unreadable", "C"]
    assert cells[["pIC50", "a é"]].to_numpy().tolist() == [["5", "x\ny"]] * 3


def test_an_index_with_a_name_is_a_column(tmp_path):
    frame = pd.DataFrame({"smiles": ["C", "CC"], "a": ["1", "0"]})
    frame.set_index("smiles").to_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").cells.to_dict("list") == frame.to_dict("list")


def test_errors_of_excel_are_gaps(tmp_path):
    frame = pd.DataFrame({"smiles": ["C", "CC"], "a": ["#DIV/0!", 1]})
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    assert read_table(tmp_path / "a.xlsx").cells["a"].tolist() == ["", "1"]


def test_a_cell_far_from_the_table_is_told_at_once(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active["A1"] = "smiles"
    book.active["XFD1048576"] = "far"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(DataError, match="`Sheet` has 1,048,576 rows and 16,384 columns, so a cell"):
        read_table(tmp_path / "a.xlsx")


def test_a_column_of_parquet_needs_a_name(tmp_path):
    pd.DataFrame({"smiles": ["C"], " ": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="column 2 has no name"):
        read_table(tmp_path / "a.parquet")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a\.csv: is a pipe or a device, not a file"):
        read_table(tmp_path / "a.csv")


def test_a_name_that_is_too_long_is_told(tmp_path):
    with pytest.raises(DataError, match="cannot be read .File name too long.; correct the path"):
        read_table(tmp_path / ("x" * 300))


def test_a_name_that_can_be_written_nowhere_is_told(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv"))
    with pytest.raises(DataError, match="name is not in UTF-8; rename it"):
        read_table(path)


def test_the_minus_of_mathematics(tmp_path):
    (tmp_path / "a.csv").write_text("smiles;a\nC;−1,5\nCC;> −2e−1\nCCC;−\n", encoding="utf-8")
    found = read_cells(read_table(tmp_path / "a.csv").cells["a"], ",")
    assert found.value.tolist()[:2] == [-1.5, -0.2]
    assert found.relation.tolist() == ["", ">", ""]
    assert not found.wrong.any()


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "my.csv").mkdir()
    with pytest.raises(DataError, match=r"my\.csv: cannot be read \(Is a directory\)"):
        Table(settings()).read(tmp_path)
