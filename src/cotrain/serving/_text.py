"""A user's words in files that other programs open: Markdown, and tables in spreadsheets."""

import re
from typing import Any

import pandas as pd

# What Markdown or HTML would read as more than letters.
_MARKS = re.compile(r"([\\`*_\[\]|#~])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What spreadsheets take for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def one_line(text: str) -> str:
    r"""Text without line breaks and control characters.

    >>> one_line("a\n  b\x1b[2J")
    'a b [2J'
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())


def markdown(text: str) -> str:
    r"""Text as it is in Markdown, within a line or a cell of a table.

    >>> print(markdown("<b>|*"))
    &lt;b&gt;\|\*
    """
    escaped = "".join(_HTML.get(letter, letter) for letter in one_line(text))
    return _MARKS.sub(r"\\\1", escaped)


def no_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """A table in whose cells and heads no spreadsheet finds a formula: they begin with '."""
    found = frame.copy(deep=False)
    for place, kind in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            found.isetitem(place, [_plain(cell) for cell in frame.iloc[:, place]])
    found.columns = pd.Index([_plain(name) for name in frame.columns])
    return found


def _plain(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
