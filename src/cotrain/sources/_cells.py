"""Cells of text as values: numbers, gaps, words for labels, and marks of what is only a bound."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

# Factors to nM; written in lower case, µ and u alike.
_NANOMOLAR = {
    "m": 1e9, "mol/l": 1e9, "mm": 1e6, "um": 1e3, "µm": 1e3, "μm": 1e3, "nm": 1.0, "pm": 1e-3,
    "fm": 1e-6,
}  # fmt: skip


def factors(units: pd.Series, to: str) -> pd.Series:
    """Return what values in `units` are multiplied by to stand in `to`; NaN: cannot be converted.

    Examples
    --------
    >>> factors(pd.Series(["nM", "uM", "%"]), "nM").tolist()
    [1.0, 1000.0, nan]
    """
    target = _NANOMOLAR.get(to.lower())
    same = (units == to).map({True: 1.0, False: float("nan")})
    if target is None:
        return same
    return same.fillna(units.str.lower().map(_NANOMOLAR) / target)


# How people write "not measured", beside what pandas takes for a gap; compared in lower case.
GAPS = frozenset({
    "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>", "n/a",
    "na", "nan", "null", "none",
    "-", "--", "---", "−", "–", "—", ".", "?", "nd", "n.d.", "n.d", "n/d", "nt", "n.t.",
    "not tested", "not determined", "not measured", "missing", "n.a.", "na.", "unknown", "#n/a!",
    "#value!", "#div/0!", "#ref!",
})  # fmt: skip
# Words for the two classes, beside what `fetch.words` adds; compared in lower case.
WORDS: Mapping[str, float] = {
    "active agonist": 1.0, "active antagonist": 1.0,
    "true": 1.0, "yes": 1.0, "y": 1.0, "t": 1.0, "active": 1.0, "positive": 1.0, "pos": 1.0,
    "hit": 1.0, "toxic": 1.0, "+": 1.0, "false": 0.0, "no": 0.0, "n": 0.0, "f": 0.0,
    "inactive": 0.0, "negative": 0.0, "neg": 0.0, "no hit": 0.0, "non-hit": 0.0,
    "non-toxic": 0.0, "nontoxic": 0.0, "inconclusive": float("nan"),
}  # fmt: skip
# Marks in front of a number or in a column beside it; "" is a plain value.
MARKS: Mapping[str, str] = {
    "": "", "=": "", "==": "", "'='": "", "~": "", "≈": "", "ca.": "", "ca": "", "<": "<",
    "<=": "<", "≤": "<", "<<": "<", "'<'": "<", "'<='": "<", ">": ">", ">=": ">", "≥": ">",
    ">>": ">", "'>'": ">", "'>='": ">",
}  # fmt: skip
# A mark, a number, what it is uncertain by, and a unit: `> 12.5 µM`, `5.3 ± 0.1`, `45%`.
_MARKED = (
    r"^(>=|<=|>>|<<|==|[<>=~≈≤≥]|ca\.?)?\s*([+−-]?[\d.,][\d.,'’\s]*(?:[eE][+−-]?\d+)?)"
    r"(\s*(?:±|\+/-|\+-)\s*[\d.,]+)?\s*(%|[a-zA-Zµμ][a-zA-Zµμ/]*)?$"
)


@dataclass(frozen=True, eq=False)
class Cells:
    """A column's cells, understood."""

    value: pd.Series  # of float64: NaN where the cell is a gap, or is wrong
    relation: pd.Series  # of str: "<" or ">" where the value is a bound, else ""
    # of bool: where the value stood behind a mark such as `~`, was a word, or is none of these
    approximate: pd.Series
    words: pd.Series
    wrong: pd.Series
    unit: str = ""  # what stands behind each number, such as "%"; "": nothing


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
    filled = column[column != ""]  # of hundreds of tasks most cells are blank
    own_words = {
        text.lower(): np.nan if value is None else float(value)
        for text, value in (words or {}).items()
    }
    found = _read_filled(filled, decimal, {text.lower() for text in gaps}, own_words)
    if len(filled) == len(column):
        return found
    index = column.index
    blank = {"value": np.nan, "relation": "", "approximate": False, "words": False, "wrong": False}
    parts = {
        name: getattr(found, name).reindex(index, fill_value=fill) for name, fill in blank.items()
    }
    return Cells(**parts, unit=found.unit)


def _read_filled(
    column: pd.Series, decimal: str, own_gaps: set[str], own_words: dict[str, float]
) -> Cells:
    """What cells say of which none is blank; gaps and words are in lower case."""
    value = to_numbers(column, decimal)
    relation = pd.Series("", index=column.index, dtype=object)
    approximate = pd.Series(False, index=column.index)
    is_word = approximate.copy()
    if own_gaps or own_words:  # of the user's: numbers as well, such as -9999
        value[column.str.lower().isin(own_gaps | set(own_words))] = np.nan
    open_cells = value.isna()
    if not open_cells.any():
        return Cells(value, relation, approximate, is_word, open_cells)
    every_gap, every_word = GAPS | own_gaps, dict(WORDS) | own_words
    lower = column[open_cells].str.lower()
    if (lower == "+").any():  # beside which "-" is no gap
        every_word = {"-": 0.0} | every_word
    found = lower[lower.isin(list(every_word))]
    value[found.index], is_word[found.index] = found.map(every_word).astype(float), True
    open_cells[found.index] = False
    open_cells[lower.index[lower.isin(list(every_gap))]] = False
    marked = column[open_cells].str.extract(_MARKED)
    number = to_numbers(marked[1].fillna("").str.strip(), decimal)
    number, unit = _in_one_unit(
        number, marked[3].fillna(""), bool((value[~is_word].fillna(0) != 0).any())
    )
    known = number.index[number.notna()]
    value[known] = number[known]
    relation[known] = marked.loc[known, 0].fillna("").map(MARKS)
    approximate[known] = marked.loc[known, 0].isin(["~", "≈", "ca", "ca."])
    approximate[known] |= marked.loc[known, 2].notna()
    open_cells[known] = False
    return Cells(value, relation, approximate, is_word, open_cells, unit)


def _in_one_unit(number: pd.Series, units: pd.Series, bare: bool) -> tuple[pd.Series, str]:
    """Numbers in the unit that they have, in nM if they have several, NaN where that cannot be.

    Beside numbers without any (`bare`) those with a unit are none: who knows whether 0.5 is 50 %.
    """
    found = set(units[number.notna()])
    if not found - {""}:
        return number, ""
    if bare or "" in found:
        return number.where(units == ""), ""
    to = found.pop() if len(found) == 1 else "nM"
    return number * factors(units, to), to


def to_numbers(column: pd.Series, decimal: str = ".") -> pd.Series:
    """Return text as float64, NaN where it is no finite number."""
    values = pd.to_numeric(column, errors="coerce").astype(float)
    texts = column[values.isna() & (column != "")]
    if texts.empty:
        return values.where(np.isfinite(values))
    texts = texts.str.replace("−", "-", regex=False)  # the minus of mathematics
    if decimal == ",":
        if column.str.contains(r"\d\.\d{3}(?:,|\.\d{3})").any():  # so 1.234 is no fraction either
            texts = column.str.replace("−", "-", regex=False)
            values[:] = np.nan
        mark, other = r"\.", ","
    else:
        mark, other = ",", r"\."
    grouped = texts.str.fullmatch(rf"[+-]?\d{{1,3}}(?:(?:{mark}|['’\s])\d{{3}})+(?:{other}.*)?")
    texts = texts.mask(grouped, texts.str.replace(rf"{mark}|['’\s]", "", regex=True))
    if decimal == ",":
        texts = texts.str.replace(",", ".", regex=False)
    values[texts.index] = pd.to_numeric(texts, errors="coerce").astype(float)
    return values.where(np.isfinite(values))
