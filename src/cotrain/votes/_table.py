"""A table of labelling functions' votes: features, votes, the labels that are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.init._columns import classify, part_of
from cotrain.init._sections import feature_columns, feature_section
from cotrain.init._wishes import Draft, Wishes, expand
from cotrain.registry import FEATURIZERS
from cotrain.sources import RawTable, column_of, read_table
from cotrain.sources._cells import GAPS
from cotrain.tasks import Features

# Fewer votes of a function, or functions, tell nothing.
_FEWEST_VOTES, _FEWEST_FUNCTIONS = 10, 4
_MOST_CLASSES = 100
_FEATURES = ("text", "columns", "given", "images")
_ABSTAINS = "-1"
_SHOWN = 12


@dataclass(frozen=True, eq=False)
class VoteTable:
    """What m functions say of N rows, and what is known of them."""

    features: Features
    votes: np.ndarray  # the class that a function votes for, int (N, m); -1 where it abstains
    truth: np.ndarray  # the class of a row, int (N,); -1 where it is unknown
    part: np.ndarray  # train, valid or test, (N,); "" in none of them
    classes: tuple[str, ...]  # as the table writes them
    functions: tuple[str, ...]
    rows: np.ndarray  # as a spreadsheet counts them, (N,)
    notes: tuple[str, ...] = ()  # what was left out, or read in another way than one may expect

    def known(self, part: str) -> np.ndarray:
        """The rows of a part whose class is known, int64."""
        return np.flatnonzero((self.part == part) & (self.truth >= 0))

    def labels_of(self, rows: np.ndarray) -> np.ndarray:
        """The true classes of these rows alone, (N,); -1 elsewhere."""
        labels = np.full(self.truth.size, -1)
        labels[rows] = self.truth[rows]
        return labels

    def counts(self, members: np.ndarray) -> np.ndarray:
        """The votes of some functions, bool (m,), for each class, int (N, n_classes)."""
        votes = self.votes[:, members]
        return np.stack([(votes == c).sum(axis=1) for c in range(len(self.classes))], axis=1)

    def voted(self, members: np.ndarray) -> np.ndarray:
        """The class that most of some functions vote for on training rows, int (N,).

        -1 elsewhere, on a tie and without a vote.
        """
        counts = self.counts(members)
        top = counts.max(axis=1, keepdims=True)
        clear = (top[:, 0] > 0) & ((counts == top).sum(axis=1) == 1) & (self.part == "train")
        return np.where(clear, counts.argmax(axis=1), -1)


def read_votes(
    path: Path,
    votes: Sequence[str],
    label: str,
    features: str,
    split: str | None = None,
    id_column: str | None = None,
) -> VoteTable:
    """Return the votes of a table, CSV, Excel or Parquet, that has a row an example.

    Parameters
    ----------
    votes : sequence of str
        Columns of the functions, * for any letters. Blank cells, and -1 where that is no class,
        abstain.
    label : str
        The column of classes, known on rows of validation and test.
    features : str
        text:column, columns:a,b, given:file or images:file.
    split : str, optional
        The column of train, valid and test; found by its words if it is not named.
    id_column : str, optional
        The column of the examples' names, which a file of features may have too; found as `init`
        finds it if it is not named.

    Raises
    ------
    DataError
        If a column is missing, a vote is no class, too few functions vote, or validation or test
        lacks labels.
    """
    table = read_table(path)
    draft, cells = Draft.of(table, Wishes(features=features, id=id_column)), table.cells
    notes, part = draft.notes, _parts(cells, split, path)
    truth, classes = _truth(table.column(label, "--label"), part, path)
    wanted = expand(votes, [str(name) for name in cells.columns])
    columns = {name: table.column(name, "--votes") for name in wanted}
    names = [name for name in wanted if name not in (label, part.name)]
    cast = {name: _cast(columns[name], classes, label, path) for name in names}
    found = pd.DataFrame(cast, index=cells.index)
    found = found[_usable(found[(part == "train").to_numpy()], notes, path)]
    alike = [str(name) for name in found if len(set(found[name]) - {-1}) == 1]
    if alike:
        notes.append(
            f"{len(alike)} functions vote for one class alone, so they say that class or nothing: "
            f"{listed(alike)}"
        )
    return VoteTable(
        features=_features(draft, {label, str(part.name), *names}, np.flatnonzero(part != "test")),
        votes=found.to_numpy(dtype=np.int64),
        truth=truth,
        part=part.to_numpy(dtype=str),
        classes=classes,
        functions=tuple(found.columns),
        rows=cells.index.to_numpy(),
        notes=tuple(notes),
    )


def _parts(cells: pd.DataFrame, split: str | None, path: Path) -> pd.Series:
    if split is None:
        found = [n for n in cells if all(part_of(text) for text in cells[n].unique())]
        if not found:
            raise DataError(
                f"{path}: no column says train, valid and test; name it by --split, or add one: "
                "valid are the rows whose labels may choose, test those that report"
            )
        split = str(found[0])
    part = column_of(cells, split, "--split", path).map(part_of)
    if part.isna().any():
        row = part.index[part.isna()][0]
        raise DataError(
            f"{path}, row {row}, column `{split}`: {cells[split][row]!r} is none of train, valid "
            "and test; write one of them"
        )
    return part


def _truth(column: pd.Series, part: pd.Series, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Classes of rows, -1 where unknown, and what they are called.

    -1 is a class if validation rows have it, else an unknown label.
    """
    key = _keys(column)
    if not (key[part == "valid"] == _ABSTAINS).any():
        key = key.mask(key == _ABSTAINS)
    for name in ("valid", "test"):
        if key[part == name].isna().all():
            raise DataError(
                f"{path}: no row of {name} has a label in `{column.name}`; functions are chosen by "
                "labels of valid rows and judged by those of test rows: write some"
            )
    if key[part == "valid"].nunique() < 2:
        raise DataError(
            f"{path}: all valid rows have one label in `{column.name}`, so nothing tells which "
            "functions are right; move rows of other classes there"
        )
    classes = tuple(sorted(key.dropna().unique(), key=_natural))
    if len(classes) > _MOST_CLASSES:
        raise DataError(
            f"{path}: `{column.name}` has {len(classes)} different values, too many for classes; "
            "name the column of classes by --label"
        )
    return pd.Index(classes).get_indexer(pd.Index(key)), classes


def _cast(column: pd.Series, classes: tuple[str, ...], label: str, path: Path) -> np.ndarray:
    """The class that each cell votes for, (N,); -1 where it abstains."""
    key = _keys(column)
    if _ABSTAINS not in classes:
        key = key.mask(key == _ABSTAINS)
    code = pd.Index(classes).get_indexer(pd.Index(key))
    wrong = (code < 0) & key.notna().to_numpy()
    if wrong.any():
        row = column.index[wrong][0]
        raise DataError(
            f"{path}, row {row}, column `{column.name}`: {column[row]!r} is no class of "
            f"`{label}`, which are {listed(classes)}; leave the cell blank to abstain, or name "
            "the functions by --votes"
        )
    return np.asarray(code)


def _usable(votes: pd.DataFrame, notes: list[str], path: Path) -> list[str]:
    """The functions that vote often enough on the training rows; the others are told."""
    counts = (votes >= 0).sum()
    few = counts.index[counts.between(1, _FEWEST_VOTES - 1)]
    for said, lost in (
        ("always abstain", counts.index[counts == 0]),
        (f"vote fewer than {_FEWEST_VOTES} times", few),
    ):
        if len(lost):
            notes.append(
                f"{len(lost)} functions {said} on training rows and are left out: {listed(lost)}"
            )
    found = [str(name) for name in counts.index[counts >= _FEWEST_VOTES]]
    if len(found) < _FEWEST_FUNCTIONS:
        raise DataError(
            f"{path}: {len(found)} columns of --votes vote {_FEWEST_VOTES} times on training rows; "
            f"to compare subsets of functions takes {_FEWEST_FUNCTIONS}"
        )
    return found


def _features(draft: Draft, taken: set[str], fitted: np.ndarray) -> Features:
    """Features of all rows, learnt from the `fitted` ones."""
    wanted = str(draft.wishes.features)
    if wanted.partition(":")[0] not in _FEATURES:
        raise DataError(f"--features must be one of {listed(_FEATURES)}, got {wanted!r}")
    cells = draft.table.with_points()
    name = draft.wishes.id
    if name is None:
        found = classify(cells.drop(columns=list(taken)), ".", None)
        name = next((column.name for column in found if column.role == "id"), None)
    section = feature_section(draft, None, feature_columns(draft, [], taken), taken, name)
    names = None if name is None else cells[name]
    raw = RawTable.of_inputs(cells, draft.table.path.name, names=names)
    kind = FEATURIZERS.find(section["kind"])
    featurizer = kind(kind.Settings.model_validate(section)).fit(raw.take(fitted))
    features = featurizer.transform(raw)
    draft.notes.extend(featurizer.notes(raw, features))
    return features


def _keys(column: pd.Series) -> pd.Series:
    """Cells as names of classes, so that 1, 1.0 and " 1" are one; NaN where blank."""
    text = column.str.strip()
    number = pd.to_numeric(text, errors="coerce")
    key = text.mask(number.notna(), number.map("{:g}".format))
    return key.mask(text.str.lower().isin(GAPS) | (text == ""))


def _natural(name: str) -> tuple[float, str]:
    number = pd.to_numeric(name, errors="coerce")
    return (float("inf") if np.isnan(number) else float(number)), name


def listed(names: Sequence[str] | pd.Index) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + more
