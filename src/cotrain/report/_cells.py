"""A table as text: its parts, and how cells are written."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cotrain.report._words import UNKNOWN, interval, interval_decimals, number, signed

# More rows than this and a table is folded away until it is asked for.
LONG = 12


@dataclass(frozen=True)
class Header:
    """A column's title, and whether it holds numbers."""

    title: str
    is_number: bool = True


@dataclass(frozen=True)
class HtmlTable:
    """A table as text; `note` says what is left out, and where it is."""

    caption: str
    headers: Sequence[Header]
    rows: Sequence[Sequence[str]]
    note: str = ""
    may_fold: bool = True

    @property
    def is_long(self) -> bool:
        """Whether it is folded away until it is asked for."""
        return self.may_fold and len(self.rows) > LONG


@dataclass(frozen=True)
class Cell:
    """How a row's cell of a column is written."""

    text: Callable[[pd.Series], str]
    is_number: bool = True


def table_of(
    caption: str, rows: pd.DataFrame, columns: Mapping[str, Cell], note: str = ""
) -> HtmlTable:
    """Return a table with one row a row of `rows`, and a column of cells a title."""
    headers = [Header(title, cell.is_number) for title, cell in columns.items()]
    texts = [[cell.text(row) for cell in columns.values()] for _, row in rows.iterrows()]
    return HtmlTable(caption, headers, texts, note)


def word(column: str) -> Cell:
    return Cell(lambda row: str(row[column]) or UNKNOWN, is_number=False)


def words(*columns: str) -> dict[str, Cell]:
    return {column: word(column) for column in columns}


def figure(column: str, decimals: int | None = None) -> Cell:
    return Cell(lambda row: number(row[column], decimals))


def whole(column: str) -> Cell:
    return figure(column, 0)


def effect(column: str, title: str = "") -> dict[str, Cell]:
    """Return an effect with its sign, as precise as its interval, and the interval."""
    return {
        title or column: Cell(lambda row: signed(row[column], decimals_of(row, column))),
        "95 % interval": Cell(lambda row: _interval(row, column)),
    }


def tested(column: str) -> dict[str, Cell]:
    return effect(column) | {"p": Cell(lambda row: p_value(row["p_value"]))}


def decimals_of(row: pd.Series, column: str) -> int:
    """Return how many decimals the interval of a row's effect is worth."""
    return interval_decimals(row[column], row["low"], row["high"])


def p_value(value: float) -> str:
    """Return a p-value, bounded below."""
    return "< 0.001" if value < 0.001 else number(value, 3)


def _interval(row: pd.Series, column: str) -> str:
    if math.isnan(row["low"]) or math.isnan(row["high"]):
        return UNKNOWN
    return interval(row["low"], row["high"], decimals_of(row, column))
