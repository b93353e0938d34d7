"""Which tasks a table holds: a column for each, or a row for each measurement."""

import shlex
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.init._columns import Column, two_values, words_of
from cotrain.init._wishes import Draft
from cotrain.sources import join_columns, read_cells
from cotrain.sources._cells import MARKS, factors
from cotrain.words import listing

# Columns of a long table as ChEMBL exports them.
_CHEMBL_TASKS = ("target_chembl_id", "target_id", "target_pref_name", "target")
_TASKS = ("task", *_CHEMBL_TASKS, "assay", "endpoint", "dataset", "property", "test", "parameter")
# What ChEMBL says of rows to doubt, and what stands there for none.
_DOUBTS = {
    "validity_comment": ("",),
    "data_validity_comment": ("",),
    "potential_duplicate": ("", "0", "False", "false"),
}
_VALUES = (
    *("standard_value", "value", "pchembl_value", "label", "y", "result", "measurement"),
    *("activity", "active"),
)
# A column that names tasks tells apart so many of the rows that a molecule has, at least.
_TOLD_APART = 0.9
_LEAST_ROWS = 4  # of a task, on average


@dataclass(frozen=True)
class Layout:
    """The tasks of a table."""

    fetch: dict[str, Any]  # what the section `fetch` says of them
    tasks: list[str]
    kinds: dict[str, str]  # binary or real, by task
    values: dict[str, pd.Series]  # the numbers of each task that are no bounds
    molar: bool = False  # whether they are in nM


def is_long(draft: Draft, molecules: str | None) -> bool:
    """Whether each row is a measurement, as the user or the columns say."""
    wishes, names = draft.wishes, set(draft.table.cells.columns)
    if wishes.layout is not None:
        return wishes.layout == "long"
    if wishes.task_columns or wishes.value_column:
        return True
    if {"standard_value", "standard_type"} <= names and names & set(_CHEMBL_TASKS):
        draft.notes.append("a long table as ChEMBL exports it: a row a measurement")
        return True
    task, value = (next((n for n in wanted if n in names), "") for wanted in (_TASKS, _VALUES))
    cells = draft.table.cells
    if not task or not value or wishes.tasks or molecules is None:
        return False
    long = 1 < cells[task].nunique() <= len(cells) / 4 and cells[molecules].duplicated().any()
    if long:
        draft.notes.append(
            f"a long table: `{task}` names the task of a row, `{value}` holds its value; "
            "--layout wide if not"
        )
    return bool(long)


def read_wide(draft: Draft, columns: list[Column], features: list[str]) -> Layout:
    """The tasks of a table with a column for each."""
    chosen = [c for c in columns if c.role == "task" and c.name not in features]
    tasks = [column.name for column in chosen]
    if not tasks and any(c.role == "task" for c in columns):
        raise DataError(
            f"{draft.table.path}: --features takes every column that could be learned; name "
            "the tasks by --tasks, such as --tasks 'y*'"
        )
    if not tasks:
        raise DataError(
            f"{draft.table.path}: no column of numbers or of two classes to learn; name some "
            "by --tasks, or with --layout long the columns of a long table"
        )
    kinds: dict[str, str] = {column.name: column.kind or "real" for column in chosen}
    gaps: set[str] = set()
    words: dict[str, float | None] = {}
    for column in chosen:
        words = {**column.words, **words}
    relations = {c.of: c.name for c in columns if c.role == "modifier" and c.of in tasks}
    values, bounds = {}, {}
    for name in tasks:
        texts = draft.table.cells[name]
        read = read_cells(texts, draft.table.format.decimal or ".", words=words)
        if len(missing := _odd_numbers(draft, name, read.value, kinds[name])):
            gaps |= set(texts[missing])
            read.value[missing] = np.nan
        is_bound = _is_bound(draft, relations.get(name), read.relation)
        values[name] = read.value[~is_bound].dropna()
        bounds[name] = int((is_bound & read.value.notna()).sum())
        odd = texts[read.wrong]
        if len(odd):
            counts = odd.value_counts()
            shown = listing([f"{text!r} ({n})" for text, n in counts.items()], 4)
            gaps |= set(counts.index.astype(str))
            draft.notes.append(
                f"`{name}`: {shown} are no numbers and count as gaps: see `fetch.na_values`"
            )
        if read.words.any():
            seen = read.value[read.words].groupby(texts[read.words].str.lower())
            said = [
                f"{text} ({len(part)}) is {'a gap' if part.isna().all() else f'{part.iloc[0]:g}'}"
                for text, part in seen
            ]
            draft.notes.append(f"`{name}`: {listing(said)}")
    found = {"relations": relations, "na_values": sorted(gaps), "words": words}
    told = {key: value for key, value in found.items() if value}
    fetch: dict[str, Any] = {"layout": "wide", "tasks": tasks} | told
    _note_bounds(draft, values, bounds, kinds)
    _note_limits(draft, values, kinds)
    return Layout(fetch, tasks, kinds, values)


def note_long(draft: Draft, columns: list[Column], molecules: str | None) -> None:
    """Tell of a column that may name the tasks of a long table, where it was not taken for one.

    Molecules then stand in several rows, which that column tells apart.
    """
    values = [column.name for column in columns if column.role == "task"]
    if molecules is None or draft.wishes.layout or draft.wishes.tasks_by or not values:
        return
    cells = draft.table.cells
    rows = cells[cells.duplicated(molecules, keep=False)]
    if len(rows) < len(cells) / 20:
        return
    for task in (c.name for c in columns if c.role == "ignored" and c.kind == "category"):
        apart = 1 - rows.duplicated([molecules, task]).mean()
        if apart >= _TOLD_APART and cells[task].nunique() <= len(cells) / _LEAST_ROWS:
            draft.notes.append(
                f"molecules stand in several rows, each with another `{task}`: if that names what "
                f"was measured, begin anew with --task-column {shlex.quote(task)} "
                f"--value-column {shlex.quote(values[0])}"
            )
            return


def _is_bound(draft: Draft, marks: str | None, inside: pd.Series) -> pd.Series:
    """Whether a value is a bound, by the mark in its own cell or in the column `marks`."""
    if marks is None:
        return inside != ""
    return (inside != "") | draft.table.cells[marks].map(MARKS).isin(("<", ">"))


def _note_bounds(
    draft: Draft, values: dict[str, pd.Series], bounds: dict[str, int], kinds: dict[str, str]
) -> None:
    """Tell how many values are bounds where labels are real values."""
    real = [name for name, kind in kinds.items() if kind == "real"]
    n_bounds = sum(bounds[name] for name in real)
    if n_bounds:
        n_values = n_bounds + sum(len(values[name]) for name in real)
        draft.notes.append(
            f"{n_bounds} of {n_values} values are bounds (< or >): networks keep to their side, "
            "other learners and all scores leave them out; `prepare.labels: {kind: threshold}` "
            "gives those a class that lie on one side of it"
        )


def _odd_numbers(draft: Draft, name: str, value: pd.Series, kind: str) -> pd.Index:
    """Cells whose number stands for a gap: -1 beside classes, -999 far below all others."""
    known = value.dropna()
    if kind == "binary":
        odd = known.index[(known == -1) & bool(known.isin((-1, 0, 1)).all() and 0 in set(known))]
    else:
        odd = known.index[known.isin((-99, -999, -9999, -99999))]
        rest = known.drop(odd)
        if len(rest) and rest.min() < -20:
            odd = odd[:0]
    if len(odd):
        shown = f"{known[odd[0]]:g} ({len(odd)})"
        draft.notes.append(f"`{name}`: {shown} counts as a gap: see `fetch.na_values`")
    return odd


def _note_limits(draft: Draft, values: dict[str, pd.Series], kinds: dict[str, str]) -> None:
    """Tell where many values are the least or the greatest, as at a limit of an assay."""
    found = {}
    for name, part in values.items():
        for mark, end in (("<", part.min()), (">", part.max())):
            share = float((part == end).mean())
            if kinds[name] == "real" and part.nunique() >= 10 and share >= 0.3 and end != 0:
                found[name] = f"{share:.0%} of `{name}` are {end:g}", f"{mark}{end:g}"
    if found:
        said, bound = next(iter(found.values()))
        others = f", and so in {len(found) - 1} tasks more" if len(found) > 1 else ""
        draft.notes.append(
            f"{said}{others}: if that is where the assay ends, write {bound}, for a bound is "
            "no value"
        )


def read_long(draft: Draft) -> Layout:
    """The tasks of a table with a row for each measurement."""
    cells, wishes = draft.table.cells, draft.wishes
    names = [str(name) for name in cells.columns]
    molar = False
    task_columns = list(wishes.task_columns)
    if not task_columns:
        task_columns = [name for name in _TASKS if name in names][:1]
        if not task_columns:
            raise DataError(
                f"{draft.table.path}: which column names the task of a row? Give --task-column"
            )
        if "standard_type" in names:
            task_columns.append("standard_type")
    value = wishes.value_column or next((name for name in _VALUES if name in names), None)
    if value is None:
        raise DataError(f"{draft.table.path}: which column holds the values? Give --value-column")
    fetch: dict[str, Any] = {
        "layout": "long",
        "tasks": list(wishes.tasks) or None,
        "task": task_columns[0] if len(task_columns) == 1 else task_columns,
        "value": value,
    }
    relation = [n for n in names if words_of(n)[-1:] in (["relation"], ["modifier"], ["qualifier"])]
    mine = [n for n in relation if n.split("_")[0] == value.split("_")[0]] or relation
    if mine:
        fetch["relation"] = mine[0]
    read = read_cells(cells[value], draft.table.format.decimal or ".")
    numbers = read.value
    if numbers.isna().all():
        option = "--label" if wishes.tasks_by else "--value-column"
        raise DataError(
            f"{draft.table.path}: no cell of `{value}` is a number or a word for one of two "
            f"classes; name another column by {option}"
        )
    if read.wrong.any():
        fetch["na_values"] = sorted(cells[value][read.wrong].unique().tolist())
    units = next((n for n in names if words_of(n)[-1:] in (["units"], ["unit"])), None)
    if units is not None and value.split("_")[0] == units.split("_")[0]:
        counts = cells[units][numbers.notna()].value_counts()
        to = "nM" if "nM" in counts.index else str(counts.index[0])
        fetch["units"] = {"column": units, "to": to}
        shown = ", ".join(f"{unit or 'blank'} ({n})" for unit, n in counts.items())
        draft.notes.append(
            f"units {shown}: molar ones are converted to {to}, values in others left out"
        )
        molar = to == "nM"
        numbers = numbers * factors(cells[units], to)
    for name, nothing in _DOUBTS.items():
        if name in names and (n := int((~cells[name].isin(nothing)).sum())):
            draft.notes.append(
                f"{n} rows have a `{name}` and are kept: take out of the file what you doubt"
            )
    known = numbers.notna()
    task = join_columns([cells[name] for name in task_columns])
    nameless = int(((task == "") & known).sum())
    if (wishes.tasks_by or len(task_columns) > 1) and nameless and not wishes.tasks:
        fetch["tasks"] = task[known & (task != "")].unique().tolist()
        what = "group" if wishes.tasks_by else "task"
        draft.notes.append(f"{nameless} rows name no {what} and are left out")
    chosen = task.isin(wishes.tasks) if wishes.tasks else task != ""
    tasks = [str(name) for name in task[known & chosen].unique()]
    if not tasks:
        what = "one of --tasks" if wishes.tasks else "a group" if wishes.tasks_by else "a task"
        options = "--tasks-by or --label" if wishes.tasks_by else "--task-column or --value-column"
        raise DataError(
            f"{draft.table.path}: no row has a value in `{value}` and {what} in "
            f"{listing([f'`{name}`' for name in task_columns])}; name other columns by {options}"
        )
    every = {str(name): part for name, part in numbers[known & chosen].groupby(task, sort=False)}
    kinds = {
        name: "binary" if part.isin((0, 1)).all() or two_values(part) else "real"
        for name, part in every.items()
    }
    is_bound = _is_bound(draft, fetch.get("relation"), read.relation)
    values = {name: part[~is_bound[part.index]] for name, part in every.items()}
    if wishes.tasks_by:
        kinds = dict.fromkeys(tasks, "real" if "real" in kinds.values() else "binary")
        _check_groups(draft, values)
    bounds = {name: len(part) - len(values[name]) for name, part in every.items()}
    _note_bounds(draft, values, bounds, kinds)
    return Layout(fetch, tasks, kinds, values, molar)


def _check_groups(draft: Draft, values: dict[str, pd.Series]) -> None:
    alike = [name for name, part in values.items() if part.nunique() < 2]
    if len(values) - len(alike) < 2:
        raise DataError(
            f"{draft.table.path}: of {len(values)} groups only {len(values) - len(alike)} have "
            f"labels that differ; name other columns by --tasks-by, or another --label than "
            f"`{draft.wishes.label}`"
        )
    if alike:
        named = listing([f"`{name}`" for name in alike], 5)
        draft.notes.append(
            f"{len(alike)} of {len(values)} groups have one label alone, and `prepare` will "
            f"leave them out: {named}"
        )
