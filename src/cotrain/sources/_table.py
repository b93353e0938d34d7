"""The user's own table: wide (a column a task) or long (a row a measurement)."""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from cotrain.exceptions import DataError
from cotrain.settings import Choice, Section
from cotrain.sources._cells import MARKS, Cells, factors, read_cells, to_numbers
from cotrain.sources._raw import RawTable, Source, summary_row
from cotrain.sources._text import Format, TextTable, read_table
from cotrain.words import listing

# Words that only say whether their column's name holds.
_BARE = ("yes", "no", "y", "n", "true", "false")
# The values, the columns that they were read from, and counts for the summary.
_Found = tuple[pd.DataFrame, list[str], dict[str, int]]


class UnitSettings(Section):
    """A column of units, and the one that values are converted to."""

    column: str
    to: str


class TableSettings(Choice):
    """A file, and which of its columns are what."""

    kind: Literal["table"]
    path: str
    layout: Literal["wide", "long"]
    id: str | None
    tasks: list[str] | None
    task: str | Annotated[list[str], Field(min_length=1)] | None = None
    value: str | None = None
    relation: str | None = None
    relations: dict[str, str] = Field(default_factory=dict)
    units: UnitSettings | None = None
    words: dict[str, float | None] = Field(default_factory=dict)
    na_values: list[str] = Field(default_factory=list)
    format: Format = Format()

    @model_validator(mode="after")
    def _layouts_need_columns(self) -> "TableSettings":
        if self.layout == "long" and not (self.task and self.value):
            raise ValueError("the long layout needs `task` and `value`, the names of columns")
        if self.layout == "wide" and not self.tasks:
            raise ValueError("the wide layout needs `tasks`, the names of their columns")
        for name in self.tasks or []:
            if (self.tasks or []).count(name) > 1:
                raise ValueError(f"`tasks` names `{name}` twice; remove one")
        return self

    @property
    def task_columns(self) -> list[str]:
        """The columns that name the task of a row, in the long layout."""
        return [self.task] if isinstance(self.task, str) else list(self.task or ())


class Table(Source):
    """CSV, TSV, Excel, Parquet or SD file of the user's; a blank value is an unknown one."""

    Settings = TableSettings

    def read(self, folder: Path) -> RawTable:
        """Return what the file holds; columns that are no measurements are its inputs.

        DataError if the file is not as the settings say; the message names the file, row and
        column.
        """
        wanted: TableSettings = self.settings
        table = read_table(folder / wanted.path, wanted.format)
        records = pd.DataFrame({"file": table.path.name, "row": table.cells.index})
        records["example"] = "row " + records["row"].astype(str)
        if wanted.id is not None:
            names = table.column(wanted.id, "fetch.id").reset_index(drop=True)
            records["example"] = names.where(names != "", records["example"])
        values, used, notes = (_long if wanted.layout == "long" else _wide)(table, wanted)
        inputs = table.with_points().drop(columns=used).reset_index(drop=True)
        summary: list[dict[str, Any]] = [
            summary_row("read", records["example"], values["task"]),
            summary_row("with a value", records["example"][values["record"]], values["task"]),
            *(
                {"step": step, "examples": pd.NA, "tasks": pd.NA, "measurements": count}
                for step, count in notes.items()
                if count
            ),
        ]
        return RawTable(records, inputs, values, pd.DataFrame(summary))


def _wide(table: TextTable, wanted: TableSettings) -> _Found:
    names = wanted.tasks or []
    columns = {name: _read(table, table.column(name, "fetch.tasks"), wanted) for name in names}
    _check(columns, table)
    parts, notes = [], dict[str, int]()
    for name, found in columns.items():
        relation = found.relation
        if name in wanted.relations:
            marks = table.column(wanted.relations[name], "fetch.relations")
            relation = _relations(table, marks, relation)
        known = np.flatnonzero(found.value.notna())
        part = {"value": found.value.iloc[known], "relation": relation.iloc[known]}
        parts.append(pd.DataFrame({"record": known, "task": name, **part}))
        notes |= _counts(name, found)
        if parts[-1].empty:
            notes[f"tasks without a value: {name}"] = 1
    used = [*names, *wanted.relations.values()]
    return pd.concat(parts, ignore_index=True), list(dict.fromkeys(used)), notes


def _long(table: TextTable, wanted: TableSettings) -> _Found:
    assert wanted.value is not None  # checked by TableSettings
    task = join_columns([table.column(name, "fetch.task") for name in wanted.task_columns])
    found = _read(table, table.column(wanted.value, "fetch.value"), wanted)
    chosen = task.isin(task if wanted.tasks is None else wanted.tasks)
    if (nameless := chosen & (task == "") & found.value.notna()).any():
        row, name = task.index[nameless][0], wanted.task_columns[0]
        raise DataError(f"{table.path}, row {row}, column `{name}`: no task; name it")
    for name in wanted.tasks or ():
        if not (task == name).any():
            raise DataError(f"{table.path}: no row of the task `{name}`, which `fetch.tasks` names")
    _check({wanted.value: found}, table)
    relation, value = found.relation, found.value
    if wanted.relation is not None:
        relation = _relations(table, table.column(wanted.relation, "fetch.relation"), relation)
    notes = _counts(wanted.value, found)
    if wanted.units is not None:
        units = table.column(wanted.units.column, "fetch.units.column")
        factor = factors(units, wanted.units.to)
        lost = units[factor.isna() & value.notna() & chosen]
        for unit, count in lost.value_counts().items():
            notes[f"values left out: unit {unit or 'blank'!r} is not {wanted.units.to}"] = count
        value = value * factor
    order = pd.Series(pd.factorize(task)[0], index=task.index)
    values = pd.DataFrame({"task": task, "value": value, "relation": relation, "order": order})
    values.insert(0, "record", range(len(values)))
    values = values[chosen].dropna(subset="value").sort_values("order", kind="stable")
    return values.drop(columns="order").reset_index(drop=True), [wanted.value], notes


def _read(table: TextTable, column: pd.Series, wanted: TableSettings) -> Cells:
    return read_cells(column, table.format.decimal or ".", wanted.na_values, wanted.words)


def _relations(table: TextTable, marks: pd.Series, inside: pd.Series) -> pd.Series:
    """The relation of each value: of the column of marks, or of the mark in its own cell."""
    found = marks.map(MARKS)
    if found.isna().any():
        row, text = marks.index[found.isna()][0], marks[found.isna()].iloc[0]
        raise DataError(
            f"{table.path}, row {row}, column `{marks.name}`: {text!r} is no relation; "
            "write =, <, > or ~, or leave the column out of `fetch`"
        )
    return inside.where(inside != "", found)


def _counts(name: str, found: Cells) -> dict[str, int]:
    return {
        f"values read behind a mark such as ~: {name}": int(found.approximate.sum()),
        f"words read as labels: {name}": int(found.words.sum()),
    }


def _check(columns: dict[str, Cells], table: TextTable) -> None:
    """Raise unless every cell is understood; all the marks that are not are listed at once."""
    marks = pd.concat({name: table.cells[name][found.wrong] for name, found in columns.items()})
    if marks.empty:
        return
    (name, row), text = marks.index[0], marks.iloc[0]
    counts = marks.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    listed = listing([f"{mark!r} ({count})" for mark, count in counts.items()], 8)
    pasted = ", ".join(f'"{mark}"' for mark in counts.index[:8])
    raise DataError(
        f"{table.path}, row {row}, column `{name}`: {text!r} is not a number; not numbers are "
        f"{listed}: for gaps set `fetch.na_values: [{pasted}]`, for labels "
        f"`fetch.words: {{{counts.index[0]}: 1}}`"
    )


def join_columns(columns: list[pd.Series]) -> pd.Series:
    """Return the texts of several columns side by side, with " / " between them.

    What says nothing by itself, a number or a word such as yes, has its column's name before it.
    Where one is blank all is.

    Examples
    --------
    >>> sex, old = pd.Series(["f", "m"], name="sex"), pd.Series(["no", "yes"], name="old")
    >>> join_columns([sex, old]).tolist()
    ['f / old no', 'm / old yes']
    """
    if len(columns) == 1:
        return columns[0]
    joined, *others = [_named(column) for column in columns]
    for column in others:
        joined = joined + " / " + column
    return joined.fillna("")


def _named(column: pd.Series) -> pd.Series:
    filled = column.mask(column == "")
    is_bare = to_numbers(filled).notna() | filled.str.lower().isin(_BARE) | filled.isna()
    if not is_bare.all():
        return filled
    # 1.0 is how pandas writes whole numbers beside gaps.
    return f"{column.name} " + filled.str.replace(r"\.0$", "", regex=True)
