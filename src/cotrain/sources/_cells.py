"""Cells of text as values: numbers, gaps, words for labels, and marks of what is only a bound."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

# How people write "not measured", beside what pandas takes for a gap; compared in lower case.
GAPS = frozenset({
    "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>", "n/a",
    "na", "nan", "null", "none",
    "-", "--", "---", "–", "—", ".", "?", "nd", "n.d.", "n.d", "n/d", "nt", "n.t.", "not tested",
    "not determined", "not measured", "missing", "n.a.", "na.", "unknown", "#n/a!", "#value!",
    "#div/0!", "#ref!",
})  # fmt: skip
# Words for the two classes, beside what `fetch.words` adds; compared in lower case.
WORDS: Mapping[str, float] = {
    "active agonist": 1.0, "active antagonist": 1.0,
    "true": 1.0, "yes": 1.0, "y": 1.0, "t": 1.0, "active": 1.0, "positive": 1.0, "pos": 1.0,
    "hit": 1.0, "toxic": 1.0, "false": 0.0, "no": 0.0, "n": 0.0, "f": 0.0, "inactive": 0.0,
    "negative": 0.0, "neg": 0.0, "non-toxic": 0.0, "nontoxic": 0.0, "inconclusive": float("nan"),
}  # fmt: skip
# Marks in front of a number or in a column beside it; "" is a plain value.
MARKS: Mapping[str, str] = {
    "": "", "=": "", "==": "", "'='": "", "~": "", "≈": "", "ca.": "", "ca": "", "<": "<",
    "<=": "<", "≤": "<", "<<": "<", "'<'": "<", "'<='": "<", ">": ">", ">=": ">", "≥": ">",
    ">>": ">", "'>'": ">", "'>='": ">",
}  # fmt: skip
_MARKED = r"^(>=|<=|>>|<<|==|[<>=~≈≤≥]|ca\.?)\s*(.+)$"


@dataclass(frozen=True, eq=False)
class Cells:
    """A column's cells, understood.

    Attributes
    ----------
    value : Series of float64
        NaN where the cell is a gap, or is wrong.
    relation : Series of str
        "<" or ">" where the value is a bound, else "".
    approximate, words : Series of bool
        Where the value stood behind a mark such as `~`, or was a word.
    wrong : Series of bool
        Where the cell is none of these.
    """

    value: pd.Series
    relation: pd.Series
    approximate: pd.Series
    words: pd.Series
    wrong: pd.Series


def read_cells(
    column: pd.Series,
    decimal: str = ".",
    gaps: Collection[str] = (),
    words: Mapping[str, float | None] | None = None,
) -> Cells:
    """Return what the cells of a column of text say.

    Parameters
    ----------
    column : Series of str
    decimal : {".", ","}
    gaps : collection of str
        More ways to write a gap; upper and lower case are alike.
    words : mapping of str to number, optional
        More words for labels; None: a gap.
    """
    every_gap = GAPS | {text.lower() for text in gaps}
    every_word = dict(WORDS) | {
        text.lower(): np.nan if value is None else float(value)
        for text, value in (words or {}).items()
    }
    value = to_numbers(column, decimal)
    relation = pd.Series("", index=column.index, dtype=object)
    approximate = pd.Series(False, index=column.index)
    is_word = approximate.copy()
    open_cells = value.isna() & (column != "")
    lower = column[open_cells].str.lower()
    found = lower[lower.isin(list(every_word))]
    value[found.index], is_word[found.index] = found.map(every_word).astype(float), True
    open_cells[found.index] = False
    open_cells[lower.index[lower.isin(list(every_gap))]] = False
    marked = column[open_cells].str.extract(_MARKED)
    number = to_numbers(marked[1].fillna(""), decimal)
    known = number.index[number.notna()]
    value[known] = number[known]
    relation[known] = marked.loc[known, 0].map(MARKS)
    approximate[known] = marked.loc[known, 0].isin(["~", "≈", "ca", "ca."])
    open_cells[known] = False
    return Cells(value, relation, approximate, is_word, open_cells)


def to_numbers(column: pd.Series, decimal: str = ".") -> pd.Series:
    """Return text as float64, NaN where it is no finite number."""
    if decimal == ",":
        point = column.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        column = column.where(~column.str.contains(",", regex=False), point)
    values = pd.to_numeric(column, errors="coerce").astype(float)
    return values.where(np.isfinite(values))
