"""How a study splits its examples into folds."""

import re
from collections.abc import Sequence
from typing import Any

from cotrain.exceptions import DataError
from cotrain.init._columns import Column, part_of
from cotrain.init._wishes import Draft


def split_section(draft: Draft, columns: list[Column], molecules: str | None) -> dict[str, Any]:
    """The section `prepare.split`: as asked for, a column of parts, scaffolds or at random."""
    wishes, cells = draft.wishes, draft.table.cells
    if wishes.date is not None and wishes.split is not None:
        raise DataError("--split and --date both say what the folds are; give one of them")
    if wishes.date is not None:
        return {"kind": "time", "column": wishes.date}
    name = wishes.split
    found = [c.name for c in columns if c.role == "split" and "words" in c.why]
    if name is None and found:
        pairs = cells[[molecules or found[0], found[0]]].drop_duplicates()
        n_both = int(pairs.iloc[:, 0].duplicated().sum())
        if n_both > len(cells) / 100:
            draft.notes.append(
                f"`{found[0]}` has {n_both} molecules in several parts, so folds are our own; "
                f"--split {found[0]} follows it"
            )
        else:
            name = found[0]
            draft.notes.append(f"folds follow `{name}`; --ignore it for folds of our own")
    if name is not None:
        values = cells[name].unique()
        parts = {part_of(value) for value in values}
        if len(values) < 2 or (None not in parts and not {"train", "test"} <= parts):
            raise DataError(
                f"{draft.table.path}: `{name}` says {', '.join(map(repr, sorted(values)))} alone; "
                f"folds need rows of train and test: --ignore {name!r} for folds of our own"
            )
        return {"kind": "column", "column": name, "values": sorted(cells[name].unique())}
    dates = [c.name for c in columns if c.role == "date" and c.n_known > len(cells) / 2]
    if dates:
        draft.notes.append(f"`{dates[0]}` could make folds by time: --date {dates[0]!r}")
    if molecules is not None:
        return {"kind": "scaffold", "column": molecules}
    return {"kind": "random"}


def column_folds(
    values: Sequence[str], n_folds: int, n_test: int, n_validation: int
) -> dict[str, list[int]]:
    """Return the folds of each value of a split column: the last test, those before validate."""
    parts = {value: part_of(value) for value in values}
    if all(part is not None for part in parts.values()):
        test = n_folds - n_test
        end = test - (n_validation if "valid" in parts.values() else 0)
        folds = {"train": range(end), "valid": range(end, test), "test": range(test, n_folds)}
        return {
            value: list(own)
            for part, own in folds.items()
            for value, found in parts.items()
            if found == part
        }
    return {value: [at % n_folds] for at, value in enumerate(sorted(values, key=_natural))}


def _natural(text: str) -> list[tuple[int, float, str]]:
    return [
        (0, float(part), "") if part.isdigit() else (1, 0.0, part)
        for part in re.split(r"(\d+)", text)
        if part
    ]
