"""What features a study is made of: molecules, columns, text, or a file of one's own."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from cotrain.exceptions import CotrainError, DataError
from cotrain.features._given import name_column
from cotrain.init._columns import Column
from cotrain.init._wishes import Draft, expand
from cotrain.sources import column_of


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
        column_of(draft.table.cells, name, "--features", draft.table.path)
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
            chosen = [name for name in columns if name not in labels]
            return {"kind": "columns", "columns": chosen}
        case "text":
            name = str(column_of(draft.table.cells, named, "--features", draft.table.path).name)
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
