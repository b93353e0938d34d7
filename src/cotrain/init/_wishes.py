"""What a user says of a table at `cotrain init`."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from cotrain.exceptions import CotrainError
from cotrain.sources import TextTable


@dataclass(frozen=True)
class Wishes:
    """What the user says of the table; None or empty: guessed."""

    smiles: str | None = None
    tasks: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    id: str | None = None
    split: str | None = None
    date: str | None = None
    layout: Literal["wide", "long"] | None = None
    task_columns: tuple[str, ...] = ()
    value_column: str | None = None
    features: str | None = None
    trunk: str | None = None
    tasks_by: tuple[str, ...] = ()
    label: str | None = None
    target: tuple[str, ...] = ()

    def by_group(self, names: Sequence[str]) -> "Wishes":
        """The same wishes in terms of a long table, where tasks are groups of rows."""
        if not self.tasks_by and self.label is None:
            return self
        if not self.tasks_by or self.label is None:
            raise CotrainError(
                "--tasks-by names the columns of groups, and --label the one to learn: give both"
            )
        if self.layout == "wide" or self.task_columns or self.value_column:
            raise CotrainError(
                "--tasks-by and --label stand for --layout long, --task-column and --value-column: "
                "leave those out"
            )
        return replace(
            self,
            layout="long",
            tasks_by=expand(self.tasks_by, names),
            task_columns=expand(self.tasks_by, names),
            value_column=self.label,
            features=self.features or ("molecules" if self.smiles else "columns:*"),
        )


@dataclass
class Draft:
    """A table, what the user says of it, and notes on what is guessed."""

    table: TextTable
    wishes: Wishes
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, table: TextTable, wishes: Wishes) -> "Draft":
        """A draft whose wishes are in terms of the table's columns."""
        names = [str(name) for name in table.cells.columns]
        wishes = wishes.by_group(names)
        long = wishes.layout == "long" or bool(wishes.task_columns or wishes.value_column)
        wishes = replace(
            wishes,
            tasks=wishes.tasks if long else expand(wishes.tasks, names),
            ignore=expand(wishes.ignore, names),
            task_columns=expand(wishes.task_columns, names),
        )
        named = {
            "--tasks-by": wishes.tasks_by, "--label": [wishes.label], "--smiles": [wishes.smiles],
            "--ignore": wishes.ignore, "--id": [wishes.id], "--split": [wishes.split],
            "--date": [wishes.date], "--task-column": wishes.task_columns,
            "--value-column": [wishes.value_column], "--tasks": () if long else wishes.tasks,
        }  # fmt: skip
        for option, chosen in named.items():
            for name in chosen:
                if name is not None:
                    table.column(name, option)
        return cls(table, wishes)


def expand(wanted: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return names of columns: each text is one, or several with commas between; * stands for any.

    Examples
    --------
    >>> expand(["a,b*", "x, y"], ["a", "b1", "b2", "x, y"])
    ('a', 'b1', 'b2', 'x, y')
    """
    found: list[str] = []
    for text in wanted:
        for part in [text] if text in names else [part.strip() for part in text.split(",")]:
            alike = [name for name in names if fnmatch.fnmatchcase(name, part)]
            found += [part] if part in names or not alike else alike
    return tuple(dict.fromkeys(found))
