"""The sections of params.yaml that say what features a study has, its folds and its labels."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cotrain.exceptions import CotrainError, DataError
from cotrain.features._given import name_column
from cotrain.init._columns import Column, part_of, two_values, words_of
from cotrain.init._layouts import Layout
from cotrain.init._wishes import Draft, expand

_POTENCY = frozenset({"ic50", "ec50", "ki", "kd", "ac50", "gi50", "nm", "um", "µm", "pm"})
# What is more the higher it is, though in a molar unit.
_AMOUNT = re.compile(r"k?sol(ub\w*)?|cmax|conc(entration)?s?|exposure|css|level")


def feature_columns(
    draft: Draft, columns: Sequence[Column], unusable: Collection[str]
) -> list[str]:
    """The columns that `--features columns:` names.

    * stands for any letters, but for no column that is a task, an id or a split.
    """
    kind, _, listed = (draft.wishes.features or "").partition(":")
    if kind != "columns":
        return []
    names = [str(name) for name in draft.table.cells.columns]
    wishes = draft.wishes
    taken = {
        *wishes.tasks, *wishes.ignore, *wishes.task_columns, wishes.value_column,
        *(wishes.id, wishes.split, wishes.date),
        *(c.name for c in columns if c.role in ("id", "split", "date", "weight", "index")),
        *unusable,
    }  # fmt: skip
    named = {part.strip() for part in listed.split(",")}
    chosen = [n for n in expand([listed], names) if n in named or n not in taken]
    for name in chosen:
        draft.table.column(name, "--features")
    if not chosen:
        raise DataError(
            f"{draft.table.path}: no column is left for features; name some by --features "
            "columns:a,b"
        )
    return chosen


def feature_section(
    draft: Draft,
    molecules: str | None,
    columns: list[str],
    labels: set[str],
    id_column: str | None = None,
) -> dict[str, Any]:
    """The section `prepare.features`.

    `molecules` and `id_column` are the columns of molecules and of the examples' names, `columns`
    what `feature_columns` found; of these, `labels` are none.
    """
    kind, _, named = (draft.wishes.features or "molecules").partition(":")
    match kind:
        case "molecules":
            return {"kind": "molecules", "column": molecules}
        case "columns":
            return {"kind": "columns", "columns": [name for name in columns if name not in labels]}
        case "text":
            name = str(draft.table.column(named, "--features").name)
            return {
                "kind": "text", "column": name, "method": "tfidf", "max_features": 5000,
                "words": 2, "min_examples": 3,
            }  # fmt: skip
        case "given" | "images":
            if not named:
                raise CotrainError(f"--features {kind}: needs a file, such as {kind}:file.npz")
            ids = None if id_column is None else draft.table.cells[id_column]
            names = None if ids is None else name_column(Path(named), ids)
            how = f"are found by `{names}`" if names else "stand in the order of the table's"
            draft.notes.append(f"rows of {named} {how}; --id names the column of their names")
            return {"kind": kind, "path": named, "array": None, "id": names}
    raise CotrainError(
        f"--features must be molecules, columns:a,b, text:column, given:file or images:file, "
        f"got {draft.wishes.features!r}"
    )


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
    if None not in parts.values():
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


def label_section(draft: Draft, layout: Layout) -> dict[str, Any]:
    """What holds for most tasks, and what differs for the others.

    In a long table one column holds all values: they get one transform, if all have it.
    """
    tasks, kinds, values = layout.tasks, layout.kinds, layout.values
    if layout.fetch["layout"] == "long" and set(kinds.values()) == {"real"}:
        together = pd.concat([values[name] for name in tasks])
        transform = _transform("nM" if layout.molar else "", together)
        if transform != "none":
            draft.notes.append(f"values {_range(together)}: labels are {transform} of them")
        return {"kind": "real", "transform": transform, "tasks": {}}
    each = {name: _labels_of(draft, name, kinds[name], values[name]) for name in tasks}
    common = {"transform": "none"} | max(each.values(), key=list(each.values()).count)
    own = {
        name: {key: value for key, value in found.items() if common.get(key) != value}
        for name, found in each.items()
    }
    return common | {"tasks": {name: differs for name, differs in own.items() if differs}}


def _labels_of(draft: Draft, name: str, kind: str, values: pd.Series) -> dict[str, Any]:
    """How the values of one task become labels."""
    if kind == "binary":
        pair = two_values(values)
        if pair is None or pair == (0, 1):
            return {"kind": "binary"}
        draft.notes.append(f"`{name}`: {pair[1]:g} is read as 1, and {pair[0]:g} as 0")
        return {"kind": "threshold", "threshold": sum(pair) / 2, "active": "at_least"}
    transform = _transform(name, values)
    if transform != "none":
        draft.notes.append(
            f"`{name}`: {_range(values)}, so its labels are {transform} of the values"
        )
    return {"kind": "real", "transform": transform}


def _transform(name: str, values: pd.Series) -> str:
    """A logarithm, if it takes most of a column's skew away; of 1 + value where some are 0."""
    if len(values) < 8 or (values < 0).any():
        return "none"
    zeros = bool((values == 0).any())
    shifted = values + 1 if zeros else values
    if shifted.max() < 30 * shifted.min():
        return "none"
    plain, logged = abs(_skew(values)), abs(_skew(np.log10(shifted)))
    if plain < 1.5 or logged > plain / 2:
        return "none"
    if zeros:
        return "log10_plus_one"
    words = {*words_of(name), *re.split(r"[^a-z0-9µ]+", name.lower())}
    is_potency = words & _POTENCY and not any(map(_AMOUNT.fullmatch, words))
    return "neg_log10" if is_potency else "log10"


def _skew(values: pd.Series) -> float:
    """The third moment over the 3/2th power of the second, as `scipy.stats.skew` has it.

    pandas' own is larger, by a quarter of so few as 8 values, and SciPy's import takes long.
    """
    away = values - values.mean()
    return float((away**3).mean() / (away**2).mean() ** 1.5)


def _range(values: pd.Series) -> str:
    return f"{values.min():g} to {values.max():g}, skew {_skew(values):.1f}"


def n_rarest(layout: Layout) -> int:
    """Labels of the rarer class of a task that is rarer than three quarters of the tasks."""
    counts = []
    for name, part in layout.values.items():
        n_high = int((part > (part.min() + part.max()) / 2).sum())
        rarer = min(n_high, len(part) - n_high)
        counts.append(rarer if layout.kinds[name] == "binary" else len(part) // 4)
    return int(np.quantile(counts, 0.25)) if counts else 0
