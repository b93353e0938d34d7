"""The contract of tables: what is to be known of each, and how it is written and read back."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files import read_checked, unquoted, write_csv

_FLAGS = {"True": True, "False": False, "1": True, "0": False}


@dataclass(frozen=True)
class Column:
    name: str
    # name, word, integer, number or flag. A name is the user's, of a task or an example, and is
    # read as it stands: a task may be called NA. A word is the platform's own. An empty number is
    # unknown (NaN); an integer or a flag is never empty
    type: str

    def to_text(self, values: pd.Series) -> pd.Series:
        """The values as they are written; a ValueError if they are not of the column's type."""
        if self.type in ("name", "word"):
            return values.astype(str)
        if self.type == "number":
            return values if values.dtype.kind in "iuf" else values.astype("Float64")
        if values.isna().any():
            raise ValueError(f"column `{self.name}` must not be empty")
        if self.type == "flag":
            return values.astype(bool)
        whole = values.astype("int64")
        if (whole != values).any():
            raise ValueError(f"column `{self.name}` must hold whole numbers")
        return whole

    def from_text(self, text: pd.Series) -> pd.Series:
        """What was written, from text: str, int64, float64 to the last bit, or bool.

        A ValueError names the row in the file of a value that is not what it must be.
        """
        if self.type in ("name", "word"):
            return unquoted(text)
        if self.type == "flag":
            found = text.map(_FLAGS)
            self._check(text, found.isna(), "True or False")
            return found.astype(bool)
        numbers = pd.Series(_numbers(text), index=text.index, name=text.name)
        if self.type == "number":
            self._check(text, numbers.isna() & ~text.isin(["", "nan"]), "a number")
            return numbers
        self._check(text, numbers.isna() | (numbers % 1 != 0), "a whole number")
        return numbers.astype("int64")

    def _check(self, text: pd.Series, wrong: pd.Series, wanted: str) -> None:
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"row {at + 2}, column `{self.name}` must be {wanted}, got {text.iloc[at]!r}"
            )


def _numbers(text: pd.Series) -> np.ndarray:
    """Floats to the last bit, NaN for what is none."""
    try:
        return np.asarray(text.where(text != "", "nan").to_numpy(dtype=object).astype(np.float64))
    except ValueError:
        return pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)


@dataclass(frozen=True)
class Table:
    """One CSV file that a stage writes and others read.

    A table that a study has nothing for is there all the same, without rows.
    """

    name: str  # the file's, without its ending
    stage: str  # which writes it
    columns: Sequence[Column]  # in the order of the file

    def empty(self) -> pd.DataFrame:
        return self.parse(pd.DataFrame({column.name: [] for column in self.columns}, dtype=str))

    def format(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`frame` as it is written; a ValueError if columns or values are not the table's."""
        names = [column.name for column in self.columns]
        if set(frame) != set(names) or len(frame.columns) != len(names):
            raise ValueError(f"table `{self.name}` has the columns {names}, got {list(frame)}")
        return pd.DataFrame({c.name: c.to_text(frame[c.name]) for c in self.columns})

    def parse(self, text: pd.DataFrame) -> pd.DataFrame:
        """What was written, from cells of text; columns that the table does not have are left out.

        A ValueError is raised if a column is missing or a value is not what it must be.
        """
        if missing := [column.name for column in self.columns if column.name not in text]:
            raise ValueError(f"column `{missing[0]}` is missing")
        return pd.DataFrame({c.name: c.from_text(text[c.name]) for c in self.columns})


_TABLE = re.compile(r"^## (\w+)\n\nWritten by `(\w+)`; one row", re.MULTILINE)
_COLUMN = re.compile(r"^\| `(\w+)` \| (\w+) \| .+ \|$", re.MULTILINE)


def _tables(page: str) -> dict[str, Table]:
    """What the page tables.md says of each table, by name."""
    _, *parts = _TABLE.split(page)
    return {
        name: Table(name, stage, [Column(*found) for found in _COLUMN.findall(body)])
        for name, stage, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    }


TABLES = _tables((files("cotrain.tables") / "tables.md").read_text(encoding="utf-8"))


def write(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write a table of the contract to `<folder>/<name>.csv`.

    Raises
    ------
    ValueError
        If the columns of `frame` or their values are not those of the table.
    """
    write_csv(folder / f"{name}.csv", TABLES[name].format(frame))


def write_all(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    for name, frame in frames.items():
        write(folder, name, frame)


def read(folder: Path, name: str) -> pd.DataFrame:
    """Read a table of the contract, its columns in their types.

    Raises
    ------
    DataError
        If the file or a column is missing, or a value is not what it must be; the message names it
        and the stage to run.
    """
    table, path = TABLES[name], folder / f"{name}.csv"
    try:
        data = io.BytesIO(read_checked(path, f"run `cotrain {table.stage}`"))
        return table.parse(pd.read_csv(data, dtype=str, keep_default_na=False))
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; run `cotrain {table.stage}`") from None
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: {reason}; run `cotrain {table.stage}` again") from error


def pair_matrix(pairs: pd.DataFrame, tasks: Sequence[str], column: str) -> np.ndarray:
    """A table of ordered pairs as [target, source], (K, K); NaN where unknown and for no pair."""
    values = pairs.set_index(["target", "source"])[column]
    every = pd.MultiIndex.from_product([tasks, tasks])
    return values.reindex(every).to_numpy(dtype=np.float64).reshape(len(tasks), len(tasks))


def pair_frame(
    tasks: Sequence[str], columns: Mapping[str, np.ndarray], source: str = "source"
) -> pd.DataFrame:
    """The other way: matrices [target, source], (K, K), as columns, one row an ordered pair."""
    target, other = np.nonzero(~np.eye(len(tasks), dtype=bool))
    names = np.array(tasks, dtype=object)
    values = {name: matrix[target, other] for name, matrix in columns.items()}
    return pd.DataFrame({"target": names[target], source: names[other], **values})
