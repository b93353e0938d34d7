"""A table as text: its parts, and how cells are written."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from cotrain.report._words import UNKNOWN, interval, interval_decimals, number, signed

Cell = Callable[[pd.Series], str]


@dataclass(frozen=True)
class Header:
    """A column's title, and whether it holds numbers."""

    title: str
    is_number: bool = True


@dataclass(frozen=True)
class HtmlTable:
    """A table as text.

    Attributes
    ----------
    caption : str
    headers : tuple of Header
    rows : sequence of tuples of str
    is_long : bool
        Whether it is folded away until it is asked for.
    note : str
        What is left out, and where it is.
    """

    caption: str
    headers: tuple[Header, ...]
    rows: Sequence[tuple[str, ...]]
    is_long: bool = False
    note: str = ""


# More rows than this and a table is folded away until it is asked for.
LONG = 12


def table_of(
    caption: str, rows: pd.DataFrame, cells: Sequence[tuple[str, bool, Cell]], note: str = ""
) -> HtmlTable:
    """Return a table with one row a row of `rows`, a cell a column: title, is a number, text."""
    headers = tuple(Header(title, is_number) for title, is_number, _ in cells)
    texts = [tuple(cell(row) for _, _, cell in cells) for _, row in rows.iterrows()]
    return HtmlTable(caption, headers, texts, len(texts) > LONG, note)


def text_cell(column: str) -> Cell:
    """Return a cell of words as they stand."""
    return lambda row: str(row[column]) or UNKNOWN


def number_cell(column: str, decimals: int | None = None) -> Cell:
    """Return a cell of a number."""
    return lambda row: number(row[column], decimals)


def whole_cell(column: str) -> Cell:
    """Return a cell of a whole number."""
    return lambda row: number(row[column], 0)


def effect_cell(column: str) -> Cell:
    """Return a cell of an effect with its sign, as precise as its interval."""
    return lambda row: signed(row[column], decimals_of(row, column))


def interval_cell(column: str) -> Cell:
    """Return a cell of the interval of an effect."""

    def cell(row: pd.Series) -> str:
        if math.isnan(row["low"]) or math.isnan(row["high"]):
            return UNKNOWN
        return interval(row["low"], row["high"], decimals_of(row, column))

    return cell


def decimals_of(row: pd.Series, column: str) -> int:
    """Return how many decimals the interval of a row's effect is worth."""
    return interval_decimals(row[column], row["low"], row["high"])


def p_value_cell(row: pd.Series) -> str:
    """Return a p-value, bounded below."""
    value = row["p_value"]
    return "< 0.001" if value < 0.001 else number(value, 3)
