"""Settings for a user's table: what its columns say, and what the user asks for."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cotrain.exceptions import DataError
from cotrain.init._columns import Column, Role, classify, find_molecules
from cotrain.init._groups import unusable
from cotrain.init._layouts import is_long, note_long, read_long, read_wide
from cotrain.init._sections import (
    feature_columns,
    feature_section,
    label_section,
    n_rarest,
    split_section,
)
from cotrain.init._wishes import Draft, Wishes
from cotrain.sources import read_cells, read_table
from cotrain.words import listing, shorten


@dataclass(frozen=True)
class Proposal:
    """Sections of params.yaml for a table, and what they were guessed from."""

    fetch: dict[str, Any]
    labels: dict[str, Any]
    features: dict[str, Any]
    split: dict[str, Any]
    columns: list[Column]
    notes: list[str]  # what else was guessed
    tasks: list[str]
    kinds: dict[str, str]  # binary or real, by task
    n_labels: list[int]  # of each task
    n_examples: int  # rows, or in a long table distinct examples
    n_rarest: int  # see `n_rarest`


def propose(csv: Path, path: str, wishes: Wishes) -> Proposal:
    """Return settings for the table `csv`, which the study calls `path`.

    Raises
    ------
    CotrainError
        If the file cannot be read, a wish names no column, or no molecules or tasks are found.
    """
    draft = Draft.of(read_table(csv), wishes)
    wishes, cells = draft.wishes, draft.table.cells
    _note_format(draft)
    molecules = _molecules(draft)
    if molecules in (wishes.tasks or ()):
        raise DataError(
            f"--tasks names `{molecules}`, the column of molecules; name what is to be predicted"
        )
    long = is_long(draft, molecules)
    found = classify(cells, draft.table.format.decimal or ".", molecules)
    columns = [_as_wished(draft, column, long) for column in found]
    useless = {}
    if wishes.tasks_by:
        useless = unusable(draft.table.with_points(), columns, wishes.tasks_by, str(wishes.label))
    chosen = feature_columns(draft, columns, useless)
    layout = read_long(draft) if long else read_wide(draft, columns, chosen)
    labels = set(layout.tasks)
    if long:  # tasks are values there, which a column may be called like
        columns = _of_long(columns, layout.fetch, useless)
        labels = {str(layout.fetch[key]) for key in ("value", "relation") if key in layout.fetch}
    else:
        note_long(draft, columns, molecules)
    fetch = _fetch_section(draft, path, layout.fetch, columns)
    features = feature_section(draft, molecules, chosen, labels, fetch["id"])
    taken = {*features.get("columns", ()), features.get("column")} - {molecules}
    why = "as --features says"
    columns = [c.taken_for("feature", why) if c.name in taken else c for c in columns]
    key = molecules if molecules is not None else fetch["id"]
    return Proposal(
        fetch=fetch,
        labels=label_section(draft, layout),
        features=features,
        split=split_section(draft, columns, molecules),
        columns=columns,
        notes=draft.notes,
        tasks=layout.tasks,
        kinds=layout.kinds,
        n_labels=[len(layout.values[name]) for name in layout.tasks],
        n_examples=len(cells) if key is None else int(cells[key].nunique()),
        n_rarest=n_rarest(layout),
    )


def _note_format(draft: Draft) -> None:
    how = draft.table.format
    if how.separator not in (None, ",") or how.decimal == "," or how.encoding == "cp1252":
        draft.notes.append(
            f"read with separator {how.separator or ','!r}, decimal {how.decimal or '.'!r}, "
            f"encoding {how.encoding}"
        )
    if how.sheet is not None:
        draft.notes.append(f"of several sheets `{how.sheet}`, the largest, is read")


def _molecules(draft: Draft) -> str | None:
    """The column of molecules; None where features are made of something else."""
    wishes = draft.wishes
    if wishes.smiles is not None:
        return wishes.smiles
    kind, _, named = (wishes.features or "molecules").partition(":")
    if kind != "molecules":
        return None
    found = named or find_molecules(draft.table.cells.drop(columns=[*wishes.ignore]))
    if found is None:
        raise DataError(
            f"{draft.table.path}: no column of molecules; name it by --smiles, or say what "
            "features are made of, such as --features text:body, or --features 'columns:*' with "
            "the tasks named by --tasks 'y*'"
        )
    return found


def _as_wished(draft: Draft, column: Column, long: bool) -> Column:
    wishes, name = draft.wishes, column.name
    if name in wishes.ignore:
        return column.taken_for("ignored", "as --ignore says")
    for role in ("id", "split", "date"):
        if name == getattr(wishes, role):
            return column.taken_for(role, f"as --{role} says")
    if not wishes.tasks or long or (name not in wishes.tasks and column.role != "task"):
        return column
    if name not in wishes.tasks:
        return column.taken_for("ignored", "not among --tasks")
    if column.role == "task":
        return replace(column, why="as --tasks says")
    texts = draft.table.cells[name]
    cells = read_cells(texts, draft.table.format.decimal or ".")
    values = cells.value.dropna()
    counts = texts[cells.wrong].str.lower().value_counts()
    words = {}
    if values.empty and len(counts) == 2:
        words = {str(counts.index[1]): 1.0, str(counts.index[0]): 0.0}
    binary = bool(values.isin((0, 1)).all() and not (cells.relation != "").any())
    kind: Literal["binary", "real"] = "binary" if binary else "real"
    return Column(name, "task", "as --tasks says", column.n_known, kind, words=words)


def _of_long(columns: list[Column], fetch: dict[str, Any], useless: dict[str, str]) -> list[Column]:
    """What columns are where each row is a measurement."""
    said: dict[str, tuple[Role, str]]
    names = fetch["task"] if isinstance(fetch["task"], list) else [fetch["task"]]
    said = dict.fromkeys(names, ("task", "names the task of a row"))
    said[fetch["value"]] = "value", "what was measured"
    if "relation" in fetch:
        said[fetch["relation"]] = "modifier", "marks of the values"
    if "units" in fetch:
        said[fetch["units"]["column"]] = "unit", "that of the values"
    return [
        c.taken_for(*said[c.name])
        if c.name in said
        else c.taken_for("ignored", useless.get(c.name, "not used"))
        if c.role in ("task", "modifier", "feature") or c.kind == "category"
        else c
        for c in columns
    ]


def _fetch_section(
    draft: Draft, path: str, fetch: dict[str, Any], columns: list[Column]
) -> dict[str, Any]:
    chosen = draft.wishes.id
    if chosen is None and fetch["layout"] == "wide":
        chosen = next((c.name for c in columns if c.role == "id"), None)
    how = draft.table.format
    usual = {"separator": ",", "decimal": ".", "encoding": "utf-8-sig"}
    told = how.model_dump(exclude_none=True).items()
    written = {name: value for name, value in told if value != usual.get(name)}
    head = {"kind": "table", "path": path, "layout": fetch["layout"], "id": chosen}
    return head | fetch | ({"format": written} if written else {})


# Columns that are all shown, and of more, how many of those of which there may be hundreds alike.
_SHOWN, _OF_ROLE = 40, {"task": 10, "ignored": 20}


def described(found: Proposal) -> str:
    """Return a table of the columns, what each was taken for and why, and what else was guessed."""
    rows, shown = [("column", "taken for", "values", "why")], found.columns
    if len(shown) > _SHOWN:  # a few of the columns alike, and all others
        seen: dict[str, int] = Counter()
        shown = []
        for column in found.columns:
            seen[column.role] += 1
            if seen[column.role] <= _OF_ROLE.get(column.role, _SHOWN):
                shown.append(column)
    for column in shown:
        role = f"{column.role} {column.kind}" if column.kind else column.role
        rows.append((shorten(column.name, 40), role, str(column.n_known), shorten(column.why, 60)))
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if len(found.columns) > len(shown):
        hidden = [column for column in found.columns if column not in shown]
        kinds = Counter(f"{c.role} {c.kind}" if c.kind else c.role for c in hidden)
        parts = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
        lines.append(f"... and {len(hidden)} columns more: {parts}")
        least, middle, most = np.quantile(found.n_labels, (0, 0.5, 1))
        lines.append(f"{len(found.tasks)} tasks of {least:g} to {most:g} labels, median {middle:g}")
    if found.fetch["layout"] == "long":
        names = listing([shorten(name, 30) for name in found.tasks], 8)
        lines.append(f"{len(found.tasks)} tasks: {names}")
    lines += [f"note: {shorten(note, 200)}" for note in found.notes[:20]]
    if len(found.notes) > 20:
        lines.append(f"... and {len(found.notes) - 20} notes more")
    lines.append("change what is wrong by --tasks, --ignore, --id, --split or in params.yaml")
    return "\n".join(lines) + "\n"
