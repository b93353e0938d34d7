from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cotrain.exceptions import DataError
from cotrain.settings import CsvSource
from cotrain.sources._measurements import COLUMNS, Measurements, summary_row
from cotrain.sources._text import column_of, looks_numeric, numbers_of, read_text


def read_csv(source: CsvSource, folder: Path) -> Measurements:
    """Return the measurements of a CSV file; a blank value is an unknown one.

    Wide: one row an example, one column a task (`source.tasks`, or all columns that look
    numeric). Long: one row a measurement, with the names of the task and value columns.

    Raises
    ------
    DataError
        If the file is not as the settings say; the message names the file, row and column.
    """
    path = folder / source.path
    body = read_text(path)
    smiles = column_of(path, body, source.smiles, "fetch.csv.smiles")
    _check_smiles(path, smiles)
    example = smiles
    if source.example is not None:
        example = column_of(path, body, source.example, "fetch.csv.example")
    origin = pd.DataFrame({"file": path.name, "row": body.index, "example": example})
    origin["smiles"] = smiles
    measured = _long(path, body, source) if source.layout == "long" else _wide(path, body, source)
    table = origin.join(measured, how="inner").sort_values("order", kind="stable")
    table = table[list(COLUMNS)].reset_index(drop=True)
    read = {
        "step": "read",
        "examples": origin["example"].nunique(),
        "tasks": table["task"].nunique(),
        "measurements": len(table),
    }
    return Measurements(table, pd.DataFrame([read, summary_row("with a value", table)]))


@dataclass(frozen=True)
class Inspected:
    """What a wide CSV file seems to hold.

    Attributes
    ----------
    smiles : str
        The column of molecules.
    tasks : tuple of str
        The columns that look numeric: at least half of their cells that are not blank are numbers.
    is_binary : bool
        Whether all their numbers are 0 or 1.
    """

    smiles: str
    tasks: tuple[str, ...]
    is_binary: bool


def inspect_csv(path: Path, smiles: str | None) -> Inspected:
    """Return what a wide CSV file seems to hold; `smiles` None: the column of that name.

    Raises
    ------
    DataError
        If the file cannot be read, or has no column of molecules or of numbers.
    """
    body = read_text(path)
    name = _smiles_column(path, body, smiles)
    tasks = _numeric_columns(path, body, {name})
    values = pd.concat([numbers_of(path, body[task]).dropna() for task in tasks])
    return Inspected(name, tuple(tasks), bool(values.isin((0, 1)).all()))


def read_smiles(path: Path, smiles: str | None) -> pd.Series:
    """Return the molecules of a CSV file as text, by row; `smiles` None: the column of that name.

    Raises
    ------
    DataError
        If the file cannot be read, or has no such column.
    """
    body = read_text(path)
    return body[_smiles_column(path, body, smiles)]


def _smiles_column(path: Path, body: pd.DataFrame, smiles: str | None) -> str:
    """The name of the column of molecules."""
    if smiles is not None:
        return str(column_of(path, body, smiles, "--smiles").name)
    named = [name for name in body.columns if name.lower() == "smiles"]
    if not named:
        raise DataError(f"{path}: no column `smiles`; name the column of molecules by --smiles")
    return named[0]


def _wide(path: Path, body: pd.DataFrame, source: CsvSource) -> pd.DataFrame:
    names = source.tasks
    if names is None:
        names = _numeric_columns(path, body, {source.smiles, source.example})
    columns = []
    for order, name in enumerate(names):
        column = column_of(path, body, name, "fetch.csv.tasks")
        if (column == "").all():
            raise DataError(
                f"{path}: the column `{name}` is blank in every row; fill it or remove it"
            )
        value = numbers_of(path, column).dropna()
        columns.append(pd.DataFrame({"order": order, "task": name, "value": value}))
    return pd.concat(columns)


def _long(path: Path, body: pd.DataFrame, source: CsvSource) -> pd.DataFrame:
    assert source.task is not None  # checked by CsvSource
    assert source.value is not None
    task = column_of(path, body, source.task, "fetch.csv.task")
    value = numbers_of(path, column_of(path, body, source.value, "fetch.csv.value"))
    if (task == "").any():
        row = task.index[task == ""][0]
        raise DataError(f"{path}, row {row}, column `{source.task}`: no task; name it")
    blank = sorted(set(task) - set(task[value.notna()]))
    if blank:
        raise DataError(f"{path}: the task `{blank[0]}` has no value in any row; remove its rows")
    chosen = task.isin(source.tasks if source.tasks is not None else task.unique())
    for name in source.tasks or ():
        if not (task == name).any():
            raise DataError(f"{path}: no row of the task `{name}`, which `fetch.csv.tasks` names")
    order = pd.Series(pd.factorize(task)[0], index=task.index)
    measured = pd.DataFrame({"order": order, "task": task, "value": value})
    return measured[chosen].dropna(subset="value")


def _numeric_columns(path: Path, body: pd.DataFrame, others: set[str | None]) -> list[str]:
    candidates = [name for name in body.columns if name not in others]
    for name in candidates:
        if (body[name] == "").all():
            raise DataError(
                f"{path}: the column `{name}` is blank in every row; fill it or remove it"
            )
    names = [name for name in candidates if looks_numeric(body[name])]
    if not names:
        raise DataError(f"{path}: no column of numbers beside the molecules; add one a task")
    return names


def _check_smiles(path: Path, smiles: pd.Series) -> None:
    if (smiles == "").all():
        raise DataError(f"{path}: the column `{smiles.name}` is blank in every row; fill it")
