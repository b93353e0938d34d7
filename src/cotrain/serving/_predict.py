"""From a file of examples to a file of predictions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.features import featurizer_of
from cotrain.features._given import name_column
from cotrain.files import write_csv
from cotrain.serving._card import one_line
from cotrain.serving._models import COVERAGE, TrainedModels
from cotrain.sources import RawTable, column_of, read_table

_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Predictions:
    """What was predicted for a file of examples.

    Attributes
    ----------
    table : DataFrame
        One row an example: row (of the file, the header being row 1), id if one is named,
        smiles of molecules, problem, similarity, and a column a task; see
        `TrainedModels.predict_raw`.
    warnings : tuple of str
        A line for each task of which nothing is claimed, with the reason.
    problems : tuple of str
        A line for each example without predictions: file, row and reason.
    note : str
        How many were predicted, and how many of them lie far from what the models know.
    """

    table: pd.DataFrame
    warnings: tuple[str, ...]
    problems: tuple[str, ...]
    note: str


def predict_file(
    models: Path,
    examples: Path,
    out: Path,
    smiles: str | None = None,
    id_column: str | None = None,
    *,
    features: Path | None = None,
    coverage: float = COVERAGE,
    short: bool = False,
) -> Predictions:
    """Return the predictions of exported models for the examples of a table, written to `out`.

    Parameters
    ----------
    smiles : str, optional
        The column of molecules; default: as in training, or else one called smiles.
    id_column : str, optional
        A column that is copied to the predictions as `id`.
    features : Path, optional
        The file of the examples' features, for models of images or of given features.
    coverage : float
        Of the intervals of real-valued tasks: one that `cotrain validate` measured.
    short : bool
        Whether intervals and spreads are left out.

    Raises
    ------
    DataError
        If the models or the file cannot be used, or no example can.
    """
    if out.resolve() == examples.resolve():
        raise DataError(f"{out}: is the file of examples; give --out another name")
    if any(way(out).is_relative_to(way(models)) for way in (Path.resolve, Path.absolute)):
        raise DataError(f"{out}: lies in the folder of models; give --out another place")
    trained = TrainedModels.load(models)
    settings, described = trained.featurizer.settings, trained.manifest.features or {}
    cells = read_table(examples).with_points()
    ids = None if id_column is None else column_of(cells, id_column, "--id", examples)
    changes: dict[str, str | None] = {}
    if hasattr(settings, "column"):
        changes["column"] = _column(examples, cells, smiles, settings.column)
    if features is not None or hasattr(settings, "path"):
        changes["path"] = path = _file(examples, features, settings)
        changes["id"] = None if ids is None else name_column(Path(path), ids)
    settings = settings.model_copy(update=changes)
    featurizer = featurizer_of(described | {"settings": settings.model_dump(mode="json")})
    raw = RawTable.of_inputs(cells, examples.name, examples.parent, ids)
    found = trained.predict_raw(raw, featurizer, coverage=coverage, short=short)
    found.insert(0, "row", cells.index)
    if described["kind"] == "molecules":
        found.insert(1, "smiles", cells[settings.column].to_numpy())
    if ids is not None:
        found.insert(1, "id", ids.to_numpy())
    bad = np.flatnonzero(found["problem"] != "")
    texts = cells[settings.column] if hasattr(settings, "column") else None
    problems = tuple(
        f"{examples}, row {found['row'][at]}: {one_line(found['problem'][at])}"
        + (f" ({texts.iloc[at]!r})" if texts is not None and texts.iloc[at] else "")
        for at in bad
    )
    if len(bad) == len(found):
        raise DataError(f"{problems[0]}, nor any other row; name the column of SMILES by --smiles")
    doubts = [
        f"{models}: the task `{one_line(task)}`: {reason}; do not rely on it"
        for task, reason in trained.doubts.items()
    ]
    scales = [
        f"{models}: predictions of the task `{one_line(task)}` are {scale}"
        for task in trained.tasks
        if (scale := trained.manifest.scale_of(task))
    ]
    warnings = _some(doubts, "are not to rely on", models) + _some(scales, "are scaled", models)
    write_csv(out, found)
    return Predictions(found, warnings, problems, f"{out}: {_note(found, trained)}")


def _some(lines: list[str], what: str, models: Path) -> tuple[str, ...]:
    """The first lines, and how many tasks more there are: hundreds would hide what matters."""
    n_more = len(lines) - _SHOWN
    if n_more < 2:
        return tuple(lines)
    return (*lines[:_SHOWN], f"{models}: {n_more} tasks more {what}: see README.md there")


def _file(path: Path, wanted: Path | None, trained: Any) -> str:
    """The file of the rows' features; that of training holds others."""
    if not hasattr(trained, "path"):
        raise DataError("--features: these models make features of the table; leave it out")
    if wanted is None:
        raise DataError(
            f"{path}: the models were trained on a file of features, {trained.path}; name that of "
            "these rows, in their order, by --features"
        )
    return str(wanted.absolute())


def _column(path: Path, cells: pd.DataFrame, wanted: str | None, trained: str) -> str:
    """The column that features are made of: as wanted, as in training, or one called smiles."""
    if wanted is not None:
        return str(column_of(cells, wanted, "--smiles", path).name)
    if trained in cells.columns:
        return trained
    for name in cells.columns:
        if name.lower() in {"smiles", trained.lower()}:
            return str(name)
    raise DataError(
        f"{path}: no column `{trained}`, as the models were trained on; name it by --smiles"
    )


def _note(found: pd.DataFrame, trained: TrainedModels) -> str:
    n_predicted = int((found["problem"] == "").sum())
    said = f"{n_predicted} of {len(found)} examples, {len(trained.tasks)} tasks"
    if trained.doubts:
        names = ", ".join(f"`{one_line(task)}`" for task in list(trained.doubts)[:3])
        more = ", ..." if len(trained.doubts) > 3 else ""
        said += f", nothing to rely on for {len(trained.doubts)} of them ({names}{more})"
    marks = trained.manifest.similarity
    if marks is None or not (n_far := int((found["similarity"] < marks[1]).sum())):
        return said
    lie = "lies" if n_far == 1 else "lie"
    return (
        f"{said}; {n_far} {lie} below a similarity of {marks[1]:.2f} to the examples trained on, "
        "where next to nothing was validated"
    )
