"""CSV files read as text, strictly, so that every error can name its row and column."""

import difflib
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError


def read_text(path: Path) -> pd.DataFrame:
    """Return a CSV file as text: header as columns, index = spreadsheet row, blank = "".

    Everything is read as text: pandas would rename a column that stands twice, turn "NA" into a
    gap and guess types.

    Raises
    ------
    DataError
        If the file is missing, empty, not UTF-8, not CSV, or a column's name is blank or
        stands twice.
    """
    try:
        cells = pd.read_csv(
            path,
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            encoding="utf-8-sig",
        )
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the file is empty; it needs a header and rows") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot be read ({reason}); correct the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason}); save it as CSV in UTF-8") from error
    except pd.errors.ParserError as error:
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise DataError(f"{path}: not valid CSV ({reason}); mend that line") from error
    cells = cells.fillna("").apply(lambda column: column.str.strip())
    header = cells.iloc[0].tolist()
    _check_header(path, header)
    body = cells.iloc[1:].set_axis(header, axis="columns")
    body.index = pd.RangeIndex(2, len(body) + 2)
    if (body == "").all(axis=None):
        raise DataError(f"{path}: no row below the header; it needs measurements")
    return body


def column_of(path: Path, body: pd.DataFrame, name: str, key: str) -> pd.Series:
    """Return the column `name`, which the setting `key` asks for.

    Raises
    ------
    DataError
        If there is no such column.
    """
    if name not in body.columns:
        close = difflib.get_close_matches(name, list(body.columns), n=1, cutoff=0.5)
        hint = f"did you mean `{close[0]}`?" if close else f"it has {', '.join(body.columns)}"
        raise DataError(f"{path}: no column `{name}`, which `{key}` names; {hint}")
    return body[name]


def numbers_of(path: Path, column: pd.Series) -> pd.Series:
    """Return a column of text as float64, blank cells as NaN.

    Raises
    ------
    DataError
        If a cell is neither blank nor a finite number.
    """
    values = _to_numbers(column)
    wrong = values.isna() & (column != "")
    if wrong.any():
        row, text = column.index[wrong][0], column[wrong].iloc[0]
        raise DataError(
            f"{path}, row {row}, column `{column.name}`: {text!r} is not a number; "
            "write a number, or leave the cell blank if the value is unknown"
        )
    return values


def looks_numeric(column: pd.Series) -> bool:
    """Whether at least half of a column's cells that are not blank are numbers."""
    known = column[column != ""]
    return bool(_to_numbers(known).notna().mean() >= 0.5) if len(known) else False


def _to_numbers(column: pd.Series) -> pd.Series:
    values = pd.to_numeric(column, errors="coerce").astype(float)
    return values.where(np.isfinite(values))


def _check_header(path: Path, header: list[str]) -> None:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise DataError(f"{path}: the columns must be separated by commas; save it as CSV again")
    for at, name in enumerate(header, start=1):
        if not name:
            raise DataError(f"{path}: column {at} has no name in the header; name or remove it")
        if header.count(name) > 1:
            raise DataError(f"{path}: the column `{name}` stands twice in the header; rename one")
