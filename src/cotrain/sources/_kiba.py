"""The KIBA scores, read from a folder of the user's."""

from pathlib import Path
from typing import Literal

import pandas as pd

from cotrain.exceptions import DataError
from cotrain.settings import Choice, Count
from cotrain.sources._cells import to_numbers
from cotrain.sources._raw import RawTable, Source
from cotrain.sources._text import read_table

SCORES, COMPOUNDS = "scores.csv.gz", "compounds.csv.gz"


class KibaSettings(Choice):
    """A folder that holds scores.csv.gz and compounds.csv.gz, and which targets are kept."""

    kind: Literal["kiba"]
    path: str
    min_scores: Count
    min_per_class: Count
    threshold: float


class Kiba(Source):
    """KIBA scores (Tang et al. 2014) of the targets with enough data; low = strong.

    A target is kept if it has at least `min_scores` scores and `min_per_class` on each side of
    `threshold`, counted on *all* compounds. Only then are compounds without SMILES dropped. On
    the published matrix 100, 10 and 3.0 keep 244 targets, as many as KIBA244 of arXiv
    2512.24866, whose own rule we have not seen published.
    """

    Settings = KibaSettings

    def read(self, folder: Path) -> RawTable:
        wanted: KibaSettings = self.settings
        place = folder / wanted.path
        scores = _read_scores(place / SCORES)
        active = (scores["value"] <= wanted.threshold).groupby(scores["task"])
        size, n_active = active.transform("size"), active.transform("sum")
        smaller_class = n_active.clip(upper=size - n_active)
        chosen = scores[(size >= wanted.min_scores) & (smaller_class >= wanted.min_per_class)]
        if chosen.empty:
            raise DataError(
                f"{place}: no target has {wanted.min_scores} scores and "
                f"{wanted.min_per_class} of each class; lower `fetch.min_scores`"
            )
        smiles = _read_smiles(place / COMPOUNDS)
        table = chosen.assign(smiles=chosen["example"].map(smiles)).dropna(subset="smiles")
        table = table.sort_values("task", kind="stable").reset_index(drop=True)
        steps = {
            "read": scores,
            "targets with enough scores": chosen,
            "compounds with SMILES": table,
        }
        return RawTable.of_values(table, steps)


def _read_scores(path: Path) -> pd.DataFrame:
    table = read_table(path)
    example, task, score = (
        table.column(name, "fetch.path") for name in ("chembl_id", "uniprot", "kiba")
    )
    value = to_numbers(score)
    if (wrong := value.isna() & (score != "")).any():
        row, text = score.index[wrong][0], score[wrong].iloc[0]
        raise DataError(
            f"{path}, row {row}, column `kiba`: {text!r} is not a number; write a number, or "
            "leave the cell blank if the value is unknown"
        )
    where = {"file": path.name, "row": score.index, "example": example}
    return pd.DataFrame({**where, "task": task, "value": value}).dropna(subset="value")


def _read_smiles(path: Path) -> pd.Series:
    table = read_table(path)
    smiles = table.column("smiles", "fetch.path")
    smiles.index = pd.Index(table.column("chembl_id", "fetch.path"))
    twice = smiles.index[smiles.index.duplicated()]
    if len(twice):
        raise DataError(f"{path}: the compound `{twice[0]}` stands twice; keep one of its rows")
    return smiles[smiles != ""]
