"""Tables in files: written whole, read back as they were."""

import io
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files import read_checked, write_csv
from cotrain.tables._contract import Column, Table

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
