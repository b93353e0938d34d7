"""The parts of the page: sections, and tables as text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import pandas as pd
from pandas.api.types import is_integer_dtype, is_numeric_dtype

from cotrain.report._svg import Picture
from cotrain.report._words import UNKNOWN, estimate, number, p_value

# More rows than this and a table is folded away until it is asked for.
_LONG = 12
_EFFECTS = {"gain", "relevance", "effect", "exchange_rate"}
_TITLES = {
    "adequacy_p": "p of linear fit",
    "f1": "F1",
    "gflop": "operations, 10⁹",
    "mcc": "MCC",
    "p_value": "p",
    "seconds": "seconds, estimated",
    "single": "alone",
    "spearman": "Spearman, predicted",
    "together": "all together",
}


@dataclass(frozen=True, eq=False)
class Table:
    """A table as text; `note` says what is left out, and where it is."""

    caption: str
    texts: pd.DataFrame  # columns by their titles
    note: str = ""
    may_fold: bool = True

    @classmethod
    def of(
        cls, caption: str, frame: pd.DataFrame, columns: str, note: str = "", may_fold: bool = True
    ) -> Self:
        """Columns of a table of the study, named with spaces between."""
        return cls(caption, texts_of(frame, columns), note, may_fold)

    def __str__(self) -> str:
        """The table for a terminal, its first column to the left."""
        first = str(self.texts.columns[0])
        width = self.texts[first].str.len().max()
        shown = self.texts.rename(columns={first: first.ljust(width)})
        shown.iloc[:, 0] = shown.iloc[:, 0].str.ljust(width)
        lines = [*shown.to_string(index=False).splitlines(), *filter(None, [self.note])]
        return "\n".join(line.rstrip() for line in lines)

    @property
    def is_long(self) -> bool:
        """Whether it is folded away until it is asked for."""
        return self.may_fold and len(self.texts) > _LONG

    @cached_property
    def is_number(self) -> list[bool]:
        """Whether each column holds numbers alone; once, for the template asks at each cell."""
        return [
            all(re.match(r"[-−+<∞–\d]|$", text) for text in self.texts[title])
            for title in self.texts
        ]


@dataclass(frozen=True)
class Section:
    """A section of the page: sentences, then figures, then tables; what is empty is left out."""

    anchor: str
    title: str
    said: Sequence[str]
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()


def when(known: object, *pictures: Picture) -> tuple[Picture, ...]:
    return pictures if known else ()


def texts_of(frame: pd.DataFrame, columns: str) -> pd.DataFrame:
    """Return columns of a table as text under their titles, effects with their intervals."""
    titles = {
        name: _TITLES.get(name, name.removeprefix("n_").replace("_", " "))
        for name in columns.split()
    }
    return pd.DataFrame({titles[name]: _texts(frame, name) for name in titles}, dtype=str)


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    values = frame[column]
    if column in _EFFECTS and "low" in frame:
        return [estimate(*each) for each in zip(values, frame["low"], frame["high"], strict=True)]
    if column == "p_value":
        return [p_value(value) for value in values]
    if is_numeric_dtype(values):
        is_count = is_integer_dtype(values) or column.startswith("n_")
        return [number(value, 0 if is_count else None) for value in values.astype(float)]
    return [str(value) or UNKNOWN for value in values]
