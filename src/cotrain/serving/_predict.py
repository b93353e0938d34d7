"""From a file of molecules to a file of predictions."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files import write_csv
from cotrain.serving._models import TrainedModels
from cotrain.sources import read_smiles

RESERVED = frozenset({"row", "smiles", "problem", "similarity"})
"""Columns of a table of predictions that are no tasks."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What was predicted for a file of molecules.

    Attributes
    ----------
    table : DataFrame
        One row a molecule: row (of the file, the header being row 1), smiles, problem,
        similarity, and a column a task.
    problems : tuple of str
        A line for each molecule without predictions: file, row and reason.
    note : str
        How many were predicted, and how many of them lie far from what the models know.
    """

    table: pd.DataFrame
    problems: tuple[str, ...]
    note: str


def predict_file(
    models: Path, molecules: Path, out: Path, smiles: str | None = None
) -> Predictions:
    """Return the predictions for the molecules of a CSV file, written to `out`.

    Parameters
    ----------
    models : Path
        A folder that `cotrain export` wrote.
    molecules, out : Path
    smiles : str, optional
        The column of molecules; default: the one called smiles.

    Raises
    ------
    DataError
        If the models or the file cannot be used, or no molecule can be parsed.
    """
    if out.resolve() == molecules.resolve():
        raise DataError(f"{out}: is the file of molecules; give --out another name")
    trained = TrainedModels.load(models)
    texts = read_smiles(molecules, smiles)
    found = trained.predict_smiles(texts.tolist())
    found.insert(0, "row", texts.index)
    found.insert(1, "smiles", texts.to_numpy())
    bad = found[found["problem"] != ""]
    problems = tuple(
        f"{molecules}, row {row.row}: {row.problem}{f' ({row.smiles!r})' if row.smiles else ''}"
        for row in bad.itertuples()
    )
    if len(bad) == len(found):
        raise DataError(f"{problems[0]}, nor any other row; name the column of SMILES by --smiles")
    write_csv(out, found)
    return Predictions(found, problems, f"{out}: {_note(found, trained)}")


def _note(found: pd.DataFrame, trained: TrainedModels) -> str:
    n_predicted = int((found["problem"] == "").sum())
    said = f"{n_predicted} of {len(found)} molecules, {len(trained.tasks)} tasks"
    marks = trained.manifest.similarity
    n_far = 0 if marks is None else int((found["similarity"] < marks[1]).sum())
    if marks is None or n_far == 0:
        return said
    return (
        f"{said}; {n_far} lie below a similarity of {marks[1]:.2f} to the molecules trained on, "
        "where next to nothing was validated"
    )
