"""Tables in files: written whole, read back as they were."""

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files import read_checked, write_csv
from cotrain.tables._catalogue import TABLES


def write(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write a table of the contract to `<folder>/<name>.csv`.

    Raises
    ------
    ValueError
        If the columns of `frame` or their values are not those of the table.
    """
    write_csv(folder / f"{name}.csv", TABLES[name].format(frame))


def write_all(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Write several tables by their names."""
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


def describe() -> str:
    """The contract as a page of Markdown."""
    parts = []
    for table in TABLES.values():
        rows = [f"| `{c.name}` | {c.type} | {c.meaning} |" for c in table.columns]
        head = f"## {table.name}\n\nWritten by `{table.stage}`; one row {table.row}."
        parts.append("\n".join([head, "", "| column | type | meaning |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"
