"""Files of tables as text, so that every error can name its row and column."""

import bz2
import contextlib
import csv
import gzip
import lzma
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.settings import Section
from cotrain.sources._cells import read_cells
from cotrain.sources._raw import column_of

_OPEN: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_SAMPLE = 1 << 17  # bytes that encoding, separator and decimal mark are guessed from
_LINES = 200
_MOST_CELLS = 10**8  # of a sheet: blank ones are read as well


class Format(Section):
    """How the file is written; what is left out is guessed."""

    separator: str | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, eq=False)
class TextTable:
    """A file's cells as text."""

    path: Path
    cells: pd.DataFrame  # header as columns, index = row as a spreadsheet counts it, "" where blank
    format: Format  # as given or guessed; what does not apply is None

    def column(self, name: str, key: str) -> pd.Series:
        """The column `name`, which `key` asks for; as `column_of`."""
        return column_of(self.cells, name, key, self.path)

    def with_points(self) -> pd.DataFrame:
        """The cells, numbers with a decimal comma written with a point in columns of numbers."""
        return self.cells.apply(_pointed) if self.format.decimal == "," else self.cells


def _pointed(column: pd.Series) -> pd.Series:
    read, as_is = read_cells(column, ","), read_cells(column)
    is_number = read.value.notna() & ~read.words
    if is_number.sum() < 0.9 * (is_number | read.words | read.wrong).sum():
        return column
    return column.mask(is_number & (read.value != as_is.value), read.value.map(repr))


def read_table(path: Path, wanted: Format | None = None) -> TextTable:
    """Return the cells of a CSV, TSV, Excel, Parquet or SD file; .gz, .bz2 and .xz are unpacked.

    Everything is read as text: pandas would rename a column that stands twice, turn "NA" into a
    gap and guess types. Rows and columns that are blank at the end are left out, and so are lines
    of one cell above the header, such as a title. Of several sheets the largest is read.

    Raises
    ------
    DataError
        If the file is missing, empty or not readable as what its name says, or a column's name
        is blank or stands twice.
    """
    wanted = wanted or Format()
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix not in _OPEN), "")
    try:
        path.name.encode()
        if path.exists() and not path.is_file() and not path.is_dir():  # reading would never end
            raise DataError(f"{path}: is a pipe or a device, not a file; save what it gives to one")
        match kind:
            case ".parquet" | ".pq":
                return TextTable(path, _from_parquet(path), Format())
            case ".xlsx" | ".xls" | ".xlsm" | ".ods":
                return _from_excel(path, wanted.sheet)
            case ".sdf" | ".sd":
                return TextTable(path, _from_sdf(path), Format())
        return _from_text(path, wanted)
    except UnicodeEncodeError as error:
        raise DataError(f"{path}: the file's name is not in UTF-8; rename it") from error
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path}: cannot be read ({reason}); correct the path") from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the file is empty; it needs a header and rows") from error
    except pd.errors.ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise DataError(f"{path}: not valid CSV ({reason}); mend that line") from error
    except DataError:
        raise
    except Exception as error:  # openpyxl, pyarrow, RDKit and the unpackers have families of theirs
        what = kind.lstrip(".") or "a table"
        raise DataError(f"{path}: cannot be read as {what} ({error}); save it anew") from error


def _from_excel(path: Path, wanted: str | None) -> TextTable:
    """The sheet that is wanted, or the largest."""
    with pd.ExcelFile(path) as book:
        for name in [wanted] if wanted else book.sheet_names:
            sheet = book.book[name] if path.suffix.lower() in (".xlsx", ".xlsm") else None
            height, width = (getattr(sheet, f"max_{axis}", 0) or 0 for axis in ("row", "column"))
            if height * width > _MOST_CELLS:
                raise DataError(
                    f"{path}: the sheet `{name}` has {height:,} rows and {width:,} columns, so a "
                    "cell far from the table is filled or formatted; delete the rows and columns "
                    "that look empty, or save it as CSV"
                )
        sheets = pd.read_excel(
            book, sheet_name=[wanted] if wanted else None, header=None, dtype=str, na_filter=False
        )
    sheet, cells = max(sheets.items(), key=lambda item: item[1].size)
    cells = cells.fillna("")  # of errors, such as a division by 0
    cells = _with_header(path, cells, _n_above(cells.to_numpy().tolist()))
    alone = len(sheets) == 1 and not wanted
    return TextTable(path, cells, Format(sheet=None if alone else str(sheet)))


def _from_text(path: Path, wanted: Format) -> TextTable:
    with _OPEN.get(path.suffix.lower(), Path.open)(path, "rb") as file:
        sample = file.read(_SAMPLE)
    if not sample.strip():
        raise pd.errors.EmptyDataError
    encoding = wanted.encoding or _encoding(path, sample)
    try:
        text = sample.decode(encoding, errors="strict" if wanted.encoding else "ignore")
    except (UnicodeDecodeError, LookupError) as error:
        todo = "leave out `fetch.format.encoding`"
        raise DataError(f"{path}: not {encoding} ({error}); {todo}") from error
    separator = wanted.separator or _separator(text)
    skipped = 0
    if len(separator) == 1:
        with contextlib.suppress(csv.Error):
            lines = text.splitlines(keepends=True)[:_LINES]
            skipped = _n_above(list(csv.reader(lines, delimiter=separator)))
    try:
        cells = pd.read_csv(
            path,
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            skiprows=skipped,
            encoding=encoding,
            sep=separator,
            engine="c" if len(separator) == 1 else "python",
        )
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not {encoding} ({error.reason}); save it in UTF-8") from error
    _check_widths(path, separator, encoding, skipped)
    cells = _with_header(path, cells, first=skipped)
    decimal = wanted.decimal or _decimal(cells, separator)
    return TextTable(path, cells, Format(separator=separator, decimal=decimal, encoding=encoding))


def _n_above(rows: list[list[str]]) -> int:
    """How many of the first rows have one cell at most, where most rows have several."""
    widths = [sum(bool(cell.strip()) for cell in row) for row in rows]
    first = next((at for at, width in enumerate(widths) if width > 1), 0)
    return first if 2 * sum(width > 1 for width in widths[first:]) > len(widths[first:]) else 0


def _check_widths(path: Path, separator: str, encoding: str, skipped: int) -> None:
    """Raise if a row of several cells has fewer than the header, for one may be lost."""
    if len(separator) > 1:
        return
    opened = _OPEN.get(path.suffix.lower(), Path.open)
    with opened(path, "rt", encoding=encoding, newline="") as file:
        rows = islice(csv.reader(file, delimiter=separator), skipped, None)
        try:
            header = next(rows, [])
            width = max((at for at, name in enumerate(header, start=1) if name.strip()), default=0)
            for number, row in enumerate(rows, start=skipped + 2):
                if 1 < len(row) < width:
                    raise DataError(
                        f"{path}, row {number}: {len(row)} cells where the header has {width}, so "
                        "one may be lost; write a separator for each blank cell"
                    )
        except csv.Error:
            return  # of cells that are longer than this reader takes


def _encoding(path: Path, sample: bytes) -> str:
    """By the byte order mark, else UTF-8, else Windows-1252, which Excel writes."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if sample.startswith(b"PK\x03\x04"):
        raise DataError(
            f"{path}: a zip or Excel file by what it holds; unpack it, or name it .xlsx"
        )
    if b"\x00" in sample:
        raise DataError(f"{path}: not text (it holds zero bytes); save it as CSV in UTF-8")
    head = sample if len(sample) < _SAMPLE else sample[: sample.rfind(b"\n") + 1] or sample
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _separator(text: str) -> str:
    """The mark that parts most lines into the same number of cells, and that into most."""
    lines = [line for line in text.splitlines()[:_LINES] if line.strip()]

    def fit(mark: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark) if row)
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return (round(count / widths.total(), 1) if width > 1 else -1.0, width)

    try:
        best = max((",", ";", "\t", "|", "^"), key=fit)
        # Blanks stand in cells as well, so they part only what nothing else does.
        return " " if fit(best)[0] < 0 and fit(" ")[0] == 1 else best
    except csv.Error:
        return ","


def _decimal(cells: pd.DataFrame, separator: str) -> Literal[".", ","]:
    """The comma, if more of the first cells are numbers with a comma than with a point.

    `12,345` may be either: beside semicolons, as Europeans write, a fraction, else thousands.
    """
    found: Counter[str] = Counter()
    for text in filter(None, cells.head(_LINES).to_numpy().ravel()):
        number = text.lstrip("<>=~≤≥≈ +-")
        if re.fullmatch(r"[1-9]\d{0,2},\d{3}", number):
            found["either"] += 1
        elif match := re.fullmatch(
            r"(?:\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+)([.,])\d+(?:[eE][+-]?\d+)?\s?%?", number
        ):
            found[match[1]] += 1
        elif re.fullmatch(r"\d{1,3}(?:,\d{3}){2,}", number):
            found["."] += 1
    if found[","] or (separator == ";" and not found["."]):
        found[","] += found["either"]
    return "," if found[","] > found["."] else "."


def _with_header(path: Path, cells: pd.DataFrame, above: int = 0, first: int = 0) -> pd.DataFrame:
    """The first row below `above` as header, blank rows and columns at the end left out.

    Rows are counted from the file's, of which `first` were not read.
    """
    cells = cells.iloc[above:]
    if cells.empty:
        raise pd.errors.EmptyDataError
    cells = cells.fillna("").astype(str).apply(lambda column: column.str.strip())
    header = cells.iloc[0].tolist()
    body = cells.iloc[1:]
    while header and not header[-1] and (body.iloc[:, len(header) - 1] == "").all():
        header.pop()
    if not header:
        raise DataError(f"{path}: no column has a name; the first row must hold them")
    body = body.iloc[:, : len(header)]
    if not header[0] and len(header) > 1:  # as pandas and R write a table with its index
        header[0] = "Unnamed: 0"
    body = body.set_axis(pd.Index(header, dtype=object), axis="columns")
    _check_names(path, header)
    body.index = pd.RangeIndex(above + first + 2, above + first + len(body) + 2)
    filled = (body != "").any(axis=1).to_numpy()
    if not filled.any():
        raise DataError(f"{path}: no row below the header; it needs measurements")
    again = np.flatnonzero((body.iloc[:, 0] == header[0]).to_numpy(dtype=bool))
    if again.size and body.iloc[again[0]].tolist() == header:
        raise DataError(f"{path}, row {body.index[again[0]]}: repeats the header; remove that row")
    return body.iloc[: len(filled) - filled[::-1].argmax()]


def _check_names(path: Path, header: list[str]) -> None:
    for at, name in enumerate(header, start=1):
        if not name:
            raise DataError(
                f"{path}: column {at} has no name in the header; name or remove it (of merged "
                "cells and several rows of names leave one row)"
            )
        if header.count(name) > 1:
            raise DataError(f"{path}: the column `{name}` stands twice in the header; rename one")


def _from_parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    if any(frame.index.names):  # as pandas writes a table with its index
        frame = frame.reset_index()
    if frame.empty:
        raise DataError(f"{path}: no rows; it needs measurements")
    cells = frame.astype(object).where(frame.notna(), "").astype(str)
    cells = cells.apply(lambda column: column.str.strip())
    cells.columns = pd.Index([str(name).strip() for name in frame.columns], dtype=object)
    _check_names(path, cells.columns.tolist())
    cells.index = pd.RangeIndex(2, len(cells) + 2)  # as if it had a header
    return cells


def _from_sdf(path: Path) -> pd.DataFrame:
    """Molecules as the column smiles, their titles as name, their data fields by name."""
    from rdkit.rdBase import BlockLogs

    with _OPEN.get(path.suffix.lower(), Path.open)(path, "rb") as file:
        data = file.read()
    text = data.decode(_encoding(path, data[:_SAMPLE]), errors="replace").replace("\r\n", "\n")
    parts = re.split(r"^\$\$\$\$.*\n?", text, flags=re.MULTILINE)
    with BlockLogs():
        cells = pd.DataFrame([_sdf_record(part) for part in parts if part.strip()])
    cells = cells.fillna("").astype(str)
    if cells.empty:
        raise DataError(f"{path}: no molecule; it needs records that end with $$$$")
    cells.columns = pd.Index(cells.columns, dtype=object)
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    return cells


def _sdf_record(text: str) -> dict[str, str]:
    """A molecule and its fields, which are kept where RDKit cannot read the molecule."""
    from rdkit import Chem

    block, end, data = text.partition("\nM  END")
    molecule = Chem.MolFromMolBlock(f"{block}{end}\n")
    smiles = "unreadable" if molecule is None else Chem.MolToSmiles(molecule)
    title = text.partition("\n")[0].strip()
    fields = re.findall(r"^>[^<\n]*<(.+)>.*\n((?:.+\n?)*)", data, flags=re.MULTILINE)
    return {
        "smiles": smiles,
        **({"name": title} if title else {}),
        **{name.strip(): value.strip() for name, value in fields},
    }
