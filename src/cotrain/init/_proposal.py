"""Settings for a user's table: what its columns say, and what the user asks for."""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from cotrain.exceptions import CotrainError, DataError
from cotrain.init._columns import (
    INDEX,
    Column,
    classify,
    find_molecules,
    part_of,
    two_values,
    words_of,
)
from cotrain.init._groups import unusable
from cotrain.sources import TextTable, column_of, join_columns, read_cells, read_table
from cotrain.sources._units import factors

# Columns of a long table as ChEMBL exports them.
_CHEMBL_TASKS = ("target_chembl_id", "target_id", "target_pref_name", "target")
_TASKS = ("task", *_CHEMBL_TASKS, "assay", "endpoint", "dataset", "property", "test", "parameter")
_VALUES = ("standard_value", "value", "label", "y", "result", "measurement", "activity")
_POTENCY = frozenset({"ic50", "ec50", "ki", "kd", "ac50", "gi50", "nm", "um", "µm", "pm"})


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


@dataclass(frozen=True)
class Proposal:
    """Sections of params.yaml for a table.

    Attributes
    ----------
    fetch, labels, features, split : dict
        Sections as they stand in params.yaml.
    columns : list of Column
        What each column was taken for.
    notes : list of str
        What else was guessed.
    tasks : list of str
    kinds : dict of str to str
        Binary or real, by task.
    n_examples : int
        Rows, or in a long table distinct examples.
    n_rarest : int
        Labels of the rarer class (of real values a quarter) of a task that is rarer than three
        quarters of the tasks.
    """

    fetch: dict[str, Any]
    labels: dict[str, Any]
    features: dict[str, Any]
    split: dict[str, Any]
    columns: list[Column]
    notes: list[str]
    tasks: list[str]
    kinds: dict[str, str]
    n_examples: int
    n_rarest: int


def propose(csv: Path, path: str, wishes: Wishes) -> Proposal:
    """Return settings for the table `csv`, which the study calls `path`.

    Raises
    ------
    CotrainError
        If the file cannot be read, a wish names no column, or no molecules or tasks are found.
    """
    table = read_table(csv)
    names = [str(name) for name in table.cells.columns]
    wishes = wishes.by_group(names)
    long = wishes.layout == "long" or bool(wishes.task_columns or wishes.value_column)
    wishes = replace(
        wishes,
        tasks=wishes.tasks if long else expand(wishes.tasks, names),
        ignore=expand(wishes.ignore, names),
        task_columns=expand(wishes.task_columns, names),
    )
    _check_wishes(table, wishes)
    return _Proposer(table, path, wishes).proposal()


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


@dataclass
class _Proposer:
    table: TextTable
    path: str
    wishes: Wishes
    notes: list[str] = field(default_factory=list)
    molar: bool = False
    columns: list[Column] = field(default_factory=list)
    unusable: dict[str, str] = field(default_factory=dict)

    def proposal(self) -> Proposal:
        table, wishes = self.table, self.wishes
        cells = table.cells
        how = table.format
        if how.separator not in (None, ",") or how.decimal == "," or how.encoding == "cp1252":
            name = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar", " ": "blank"}.get(
                how.separator or ",", str(how.separator)
            )
            marks = {".": "point", ",": "comma"}
            self.notes.append(
                f"read with separator {name}, decimal {marks[how.decimal or '.']}, "
                f"encoding {how.encoding}"
            )
        if how.sheet is not None:
            self.notes.append(f"of several sheets `{how.sheet}`, the largest, is read")
        needs_molecules = wishes.features is None or wishes.features.startswith("molecules")
        molecules = wishes.smiles
        if molecules is None and needs_molecules:
            _, _, named = (wishes.features or "").partition(":")
            molecules = named or find_molecules(cells)
        if needs_molecules and molecules is None:
            raise DataError(
                f"{table.path}: no column of molecules; name it by --smiles, or say what features "
                "are made of, such as --features columns:a,b or --features text:body"
            )
        long = self._is_long(molecules)
        columns = classify(cells, how.decimal or ".", [], molecules)
        columns = self.columns = [self._as_wished(column, long) for column in columns]
        if wishes.tasks_by:
            self.unusable = unusable(cells, columns, wishes.tasks_by, str(wishes.label))
        fetch, tasks, kinds, values = self._long() if long else self._wide(columns)
        labels = set(tasks)
        if long:
            used = {fetch["value"], fetch.get("relation"), *_as_list(fetch["task"])}
            units = fetch.get("units")
            used |= {units["column"]} if units else set()
            labels |= {
                str(name) for name in used if name in (fetch["value"], fetch.get("relation"))
            }
            said = {
                fetch["value"]: "the values", fetch.get("relation"): "marks of the values",
                **({units["column"]: "units of the values"} if units else {}),
            }  # fmt: skip
            columns = [
                Column(c.name, "task", said.get(c.name, "names the task of a row"), c.n_known)
                if c.name in used
                else Column(c.name, "ignored", self.unusable.get(c.name, "not used"), c.n_known)
                if c.role in ("task", "modifier", "feature") or c.kind == "category"
                else c
                for c in columns
            ]
        fetch = self._head(fetch, columns)
        features = self._features(molecules, labels)
        taken = set(_as_list(features.get("columns"))) | {features.get("column")}
        columns = [
            Column(c.name, "feature", "as --features says", c.n_known)
            if c.name in taken and c.role != "molecules"
            else c
            for c in columns
        ]
        key = molecules if molecules is not None else fetch["id"]
        n_examples = len(cells) if key is None else int(cells[key].nunique())
        return Proposal(
            fetch=fetch,
            labels=self._labels(tasks, kinds, values, long),
            features=features,
            split=self._split(columns, molecules),
            columns=columns,
            notes=self.notes,
            tasks=tasks,
            kinds=kinds,
            n_examples=n_examples,
            n_rarest=_rarest(values, kinds),
        )

    def _is_long(self, molecules: str | None) -> bool:
        wishes, names = self.wishes, set(self.table.cells.columns)
        if wishes.layout is not None:
            return wishes.layout == "long"
        if wishes.task_columns or wishes.value_column:
            return True
        if {"standard_value", "standard_type"} <= names and names & set(_CHEMBL_TASKS):
            self.notes.append("a long table as ChEMBL exports it: a row a measurement")
            return True
        task, value = (next((n for n in wanted if n in names), "") for wanted in (_TASKS, _VALUES))
        if task and value and not wishes.tasks and molecules is not None:
            cells = self.table.cells
            if 1 < cells[task].nunique() <= len(cells) / 4 and cells[molecules].duplicated().any():
                self.notes.append(
                    f"a long table: `{task}` names the task of a row, `{value}` holds its value; "
                    "--layout wide if not"
                )
                return True
        return False

    def _as_wished(self, column: Column, long: bool) -> Column:
        wishes = self.wishes
        name, n = column.name, column.n_known
        if name in wishes.ignore:
            return Column(name, "ignored", "as --ignore says", n)
        for role, wanted in (("id", wishes.id), ("split", wishes.split), ("date", wishes.date)):
            if name == wanted:
                return Column(name, role, f"as --{role} says", n)  # type: ignore[arg-type]
        if wishes.tasks and not long:
            if name in wishes.tasks:
                if column.role == "task":
                    return replace(column, why="as --tasks says")
                texts = self.table.cells[name]
                cells = read_cells(texts, self.table.format.decimal or ".")
                values = cells.value.dropna()
                words: dict[str, float] = {}
                if values.empty and texts[cells.wrong].str.lower().nunique() == 2:
                    counts = texts[cells.wrong].str.lower().value_counts()
                    words = {str(counts.index[1]): 1.0, str(counts.index[0]): 0.0}
                binary = bool(values.isin((0, 1)).all() and not (cells.relation != "").any())
                kind: Literal["binary", "real"] = "binary" if binary else "real"
                return Column(name, "task", "as --tasks says", n, kind, words=words)
            if column.role == "task":
                return Column(name, "ignored", "not among --tasks", n)
        return column

    def _wide(
        self, columns: list[Column]
    ) -> tuple[dict[str, Any], list[str], dict[str, str], dict[str, pd.Series]]:
        features = self._feature_columns()
        tasks = [c.name for c in columns if c.role == "task" and c.name not in features]
        if not tasks:
            raise DataError(
                f"{self.table.path}: no column of numbers or of two classes to learn; name some "
                "by --tasks, or with --layout long the columns of a long table"
            )
        kinds: dict[str, str] = {c.name: c.kind or "real" for c in columns if c.name in tasks}
        gaps: set[str] = set()
        words: dict[str, float | None] = {}
        for column in columns:
            if column.name in tasks:
                words = {**column.words, **words}
        values = {}
        for name in tasks:
            texts = self.table.cells[name]
            read = read_cells(texts, self.table.format.decimal or ".", words=words)
            if len(missing := self._odd_numbers(name, read.value, kinds[name])):
                gaps |= set(texts[missing])
                read.value[missing] = np.nan
            values[name] = read.value[read.relation == ""].dropna()
            odd = texts[read.wrong]
            if len(odd):
                counts = odd.value_counts()
                shown = ", ".join(f"{text!r} ({n})" for text, n in counts.head(4).items())
                gaps |= set(counts.index.astype(str))
                self.notes.append(
                    f"`{name}`: {shown} are no numbers and count as gaps: see `fetch.na_values`"
                )
            if read.words.any():
                seen = read.value[read.words].groupby(texts[read.words].str.lower())
                said = ", ".join(
                    f"{text} ({len(part)}) is {_meaning(part.iloc[0])}" for text, part in seen
                )
                self.notes.append(f"`{name}`: {said}")
        fetch: dict[str, Any] = {"layout": "wide", "tasks": tasks}
        relations = {c.of: c.name for c in columns if c.role == "modifier" and c.of in tasks}
        if relations:
            fetch["relations"] = relations
        if gaps:
            fetch["na_values"] = sorted(gaps)
        if words:
            fetch["words"] = words
        self._note_limits(values, kinds)
        return fetch, tasks, kinds, values

    def _odd_numbers(self, name: str, value: pd.Series, kind: str) -> pd.Index:
        """Cells whose number stands for a gap: -1 beside classes, -999 far below all others."""
        known = value.dropna()
        if kind == "binary":
            odd = known.index[
                (known == -1) & bool(known.isin((-1, 0, 1)).all() and 0 in set(known))
            ]
        else:
            odd = known.index[known.isin((-99, -999, -9999, -99999))]
            rest = known.drop(odd)
            if len(rest) and rest.min() < -20:
                odd = odd[:0]
        if len(odd):
            shown = f"{known[odd[0]]:g} ({len(odd)})"
            self.notes.append(f"`{name}`: {shown} counts as a gap: see `fetch.na_values`")
        return odd

    def _note_limits(self, values: dict[str, pd.Series], kinds: dict[str, str]) -> None:
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
            self.notes.append(
                f"{said}{others}: if that is where the assay ends, write {bound}, for a bound is "
                "no value"
            )

    def _long(
        self,
    ) -> tuple[dict[str, Any], list[str], dict[str, str], dict[str, pd.Series]]:
        cells, wishes = self.table.cells, self.wishes
        names = [str(name) for name in cells.columns]
        task_columns = list(wishes.task_columns)
        if not task_columns:
            found = [name for name in _TASKS if name in names]
            if not found:
                raise DataError(
                    f"{self.table.path}: which column names the task of a row? Give --task-column"
                )
            task_columns = found[:1]
            if "standard_type" in names:
                task_columns.append("standard_type")
        value = wishes.value_column or next((name for name in _VALUES if name in names), None)
        if value is None:
            raise DataError(
                f"{self.table.path}: which column holds the values? Give --value-column"
            )
        fetch: dict[str, Any] = {
            "layout": "long",
            "tasks": list(wishes.tasks) or None,
            "task": task_columns[0] if len(task_columns) == 1 else task_columns,
            "value": value,
        }
        relation = [
            n for n in names if words_of(n)[-1:] in (["relation"], ["modifier"], ["qualifier"])
        ]
        mine = [n for n in relation if n.split("_")[0] == value.split("_")[0]] or relation
        if mine:
            fetch["relation"] = mine[0]
        read = read_cells(cells[value], self.table.format.decimal or ".")
        numbers = read.value
        if read.wrong.any():
            fetch["na_values"] = sorted(cells[value][read.wrong].unique().tolist())
        units = next((n for n in names if words_of(n)[-1:] in (["units"], ["unit"])), None)
        if units is not None and value.split("_")[0] == units.split("_")[0]:
            counts = cells[units][numbers.notna()].value_counts()
            fetch["units"] = {
                "column": units,
                "to": "nM" if "nM" in counts.index else str(counts.index[0]),
            }
            shown = ", ".join(f"{unit or 'blank'} ({n})" for unit, n in counts.items())
            self.notes.append(
                f"units {shown}: molar ones are converted to {fetch['units']['to']}, values in "
                "others left out"
            )
            self.molar = fetch["units"]["to"] == "nM"
            numbers = numbers * factors(cells[units], fetch["units"]["to"])
        for name in ("validity_comment", "data_validity_comment"):
            if name in names and (n := int((cells[name] != "").sum())):
                self.notes.append(
                    f"{n} rows have a `{name}` and are kept: take out of the file what you doubt"
                )
        known = numbers.notna()
        task = join_columns([cells[name] for name in task_columns])
        nameless = int(((task == "") & known).sum())
        if wishes.tasks_by and nameless and not wishes.tasks:
            fetch["tasks"] = task[known & (task != "")].unique().tolist()
            self.notes.append(f"{nameless} rows name no group and are left out")
        chosen = task.isin(wishes.tasks) if wishes.tasks else task != ""
        tasks = [str(name) for name in task[known & chosen].unique()]
        values = {
            str(name): part for name, part in numbers[known & chosen].groupby(task, sort=False)
        }
        kinds = {
            name: "binary" if part.isin((0, 1)).all() or two_values(part) else "real"
            for name, part in values.items()
        }
        if wishes.tasks_by:
            kinds = dict.fromkeys(tasks, "real" if "real" in kinds.values() else "binary")
            self._check_groups(values)
        return fetch, tasks, kinds, values

    def _check_groups(self, values: dict[str, pd.Series]) -> None:
        if not values:
            raise DataError(
                f"{self.table.path}: no cell of `{self.wishes.label}` is a number or a word for "
                "one of two classes; name another column by --label"
            )
        alike = [name for name, part in values.items() if part.nunique() < 2]
        if len(values) - len(alike) < 2:
            raise DataError(
                f"{self.table.path}: of {len(values)} groups only {len(values) - len(alike)} have "
                f"labels that differ; name other columns by --tasks-by, or another --label than "
                f"`{self.wishes.label}`"
            )
        if alike:
            named = ", ".join(f"`{name}`" for name in alike[:5])
            self.notes.append(
                f"{len(alike)} of {len(values)} groups have one label alone, and `prepare` will "
                f"leave them out: {named}{' ...' if len(alike) > 5 else ''}"
            )

    def _head(self, fetch: dict[str, Any], columns: list[Column]) -> dict[str, Any]:
        found = [c.name for c in columns if c.role == "id"]
        chosen = self.wishes.id
        if chosen is None and fetch["layout"] == "wide":
            chosen = next(iter(found), None)
        how = self.table.format
        written = {
            name: value
            for name, value, usual in (
                ("separator", how.separator, ","),
                ("decimal", how.decimal, "."),
                ("encoding", how.encoding, "utf-8-sig"),
                ("sheet", how.sheet, None),
            )
            if value not in (None, usual)
        }
        head = {"kind": "table", "path": self.path, "layout": fetch.pop("layout"), "id": chosen}
        return head | fetch | ({"format": written} if written else {})

    def _feature_columns(self) -> list[str]:
        """The columns that `--features columns:` names.

        * stands for any letters, but for no column that is a task, an id or a split.
        """
        kind, _, listed = (self.wishes.features or "").partition(":")
        if kind != "columns":
            return []
        names = [str(name) for name in self.table.cells.columns]
        wishes = self.wishes
        taken = {
            *wishes.tasks, *wishes.ignore, *wishes.task_columns, wishes.value_column,
            *(wishes.id, wishes.split, wishes.date),
            *(c.name for c in self.columns if c.role in ("id", "split", "date", "weight")),
            *(c.name for c in self.columns if c.why == INDEX),
            *self.unusable,
        }  # fmt: skip
        named = {part.strip() for part in listed.split(",")}
        chosen = [n for n in expand([listed], names) if n in named or n not in taken]
        for name in chosen:
            column_of(self.table.cells, name, "--features", self.table.path)
        if not chosen:
            raise DataError(
                f"{self.table.path}: no column is left for features; name some by --features "
                "columns:a,b"
            )
        return chosen

    def _features(self, molecules: str | None, labels: set[str]) -> dict[str, Any]:
        kind, _, named = (self.wishes.features or "molecules").partition(":")
        match kind:
            case "molecules":
                return {"kind": "molecules", "column": molecules}
            case "columns":
                chosen = [name for name in self._feature_columns() if name not in labels]
                return {"kind": "columns", "columns": chosen}
            case "text":
                name = str(column_of(self.table.cells, named, "--features", self.table.path).name)
                return {
                    "kind": "text", "column": name, "method": "tfidf", "max_features": 5000,
                    "words": 2, "min_examples": 3,
                }  # fmt: skip
            case "given" | "images":
                if not named:
                    raise CotrainError(f"--features {kind}: needs a file, such as {kind}:file.npz")
                return {"kind": kind, "path": named, "array": None, "id": None}
        raise CotrainError(
            f"--features must be molecules, columns:a,b, text:column, given:file or images:file, "
            f"got {self.wishes.features!r}"
        )

    def _labels(
        self, tasks: list[str], kinds: dict[str, str], values: dict[str, pd.Series], long: bool
    ) -> dict[str, Any]:
        """The kind that most tasks have, and what differs for the others.

        In a long table one column holds all values: they get one transform, if all have it.
        """
        is_real = [kind == "real" for kind in kinds.values()]
        if long and all(is_real):
            together = pd.concat([values[name] for name in tasks])
            transform = _transform("nM" if self.molar else "", together)
            if transform != "none":
                self.notes.append(f"values {_range(together)}: labels are {transform} of them")
            return {"kind": "real", "transform": transform, "tasks": {}}
        n_real = sum(kind == "real" for kind in kinds.values())
        common = "real" if n_real > len(kinds) / 2 else "binary"
        own: dict[str, dict[str, Any]] = {}
        for name in tasks:
            differs: dict[str, Any] = {}
            if kinds[name] != common:
                differs["kind"] = kinds[name]
            pair = two_values(values[name])
            if kinds[name] == "binary" and pair and pair != (0, 1):
                middle = sum(pair) / 2
                differs |= {"kind": "threshold", "threshold": middle, "active": "at_least"}
                self.notes.append(f"`{name}`: {pair[1]:g} is read as 1, and {pair[0]:g} as 0")
            transform = _transform(name, values[name]) if kinds[name] == "real" else "none"
            if transform != "none":
                differs["transform"] = transform
                self.notes.append(
                    f"`{name}`: {_range(values[name])}, so its labels are {transform} of the values"
                )
            if differs:
                own[name] = differs
        transforms = {own.get(n, {}).get("transform", "none") for n in tasks if kinds[n] == "real"}
        labels = {"kind": common, "transform": "none"}
        if common == "real" and len(transforms) == 1:
            labels["transform"] = transforms.pop()
            for name in list(own):
                own[name].pop("transform", None)
                if not own[name]:
                    del own[name]
        if own and all(own.get(name) == own.get(tasks[0]) for name in tasks):
            labels, own = labels | own[tasks[0]], {}
        return labels | {"tasks": own}

    def _split(self, columns: list[Column], molecules: str | None) -> dict[str, Any]:
        wishes, cells = self.wishes, self.table.cells
        if wishes.date is not None:
            return {"kind": "time", "column": wishes.date}
        name = wishes.split
        found = [c.name for c in columns if c.role == "split" and "words" in c.why]
        if name is None and found:
            n_both = 0
            if molecules is not None:
                pairs = cells[[molecules, found[0]]].drop_duplicates()
                n_both = int(pairs[molecules].duplicated().sum())
            if n_both > len(cells) / 100:
                self.notes.append(
                    f"`{found[0]}` has {n_both} molecules in several parts, so folds are our own; "
                    f"--split {found[0]} follows it"
                )
            else:
                name = found[0]
                self.notes.append(f"folds follow `{name}`; --ignore it for folds of our own")
        if name is not None:
            return {"kind": "column", "column": name, "values": sorted(cells[name].unique())}
        dates = [c.name for c in columns if c.role == "date" and c.n_known > len(cells) / 2]
        if dates:
            self.notes.append(f"`{dates[0]}` could make folds by time: --date {dates[0]!r}")
        if molecules is not None:
            return {"kind": "scaffold", "column": molecules}
        return {"kind": "random"}


def column_folds(
    values: Sequence[str], n_folds: int, n_test: int, n_validation: int
) -> dict[str, list[int]]:
    """Return the folds of each value of a split column: the last test, those before validate."""
    parts = {value: part_of(value) for value in values}
    if all(part is not None for part in parts.values()):
        test = list(range(n_folds - n_test, n_folds))
        has_validation = "valid" in parts.values()
        end = n_folds - n_test - (n_validation if has_validation else 0)
        folds = {
            "train": list(range(end)),
            "valid": list(range(end, n_folds - n_test)),
            "test": test,
        }
        order = ("train", "valid", "test")
        return {
            value: folds[part] for part in order for value, found in parts.items() if found == part
        }
    ordered = sorted(values, key=_natural)
    return {value: [at % n_folds] for at, value in enumerate(ordered)}


def _natural(text: str) -> list[tuple[int, float, str]]:
    return [
        (0, float(part), "") if part.isdigit() else (1, 0.0, part)
        for part in re.split(r"(\d+)", text)
        if part
    ]


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
    return "neg_log10" if words & _POTENCY else "log10"


def _skew(values: pd.Series) -> float:
    from scipy.stats import skew

    return float(skew(values.to_numpy()))


def _range(values: pd.Series) -> str:
    return f"{values.min():g} to {values.max():g}, skew {_skew(values):.1f}"


def _rarest(values: dict[str, pd.Series], kinds: dict[str, str]) -> int:
    counts = [
        int(min((part > middle).sum(), (part <= middle).sum()))
        if kinds[name] == "binary"
        else len(part) // 4
        for name, part in values.items()
        for middle in ((part.min() + part.max()) / 2,)
    ]
    return int(np.quantile(counts, 0.25)) if counts else 0


def _meaning(value: float) -> str:
    """What a word for a label stands for."""
    return "a gap" if np.isnan(value) else f"{value:g}"


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _check_wishes(table: TextTable, wishes: Wishes) -> None:
    named = {
        "--tasks-by": wishes.tasks_by, "--label": [wishes.label], "--smiles": [wishes.smiles],
        "--ignore": wishes.ignore, "--id": [wishes.id], "--split": [wishes.split],
        "--date": [wishes.date], "--task-column": wishes.task_columns,
        "--value-column": [wishes.value_column],
    }  # fmt: skip
    if wishes.layout != "long" and not wishes.task_columns and not wishes.value_column:
        named["--tasks"] = list(wishes.tasks)
    for option, names in named.items():
        for name in names:
            if name is not None:
                column_of(table.cells, name, option, table.path)
