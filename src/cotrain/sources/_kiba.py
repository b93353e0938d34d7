"""The KIBA scores, read from a folder of the user's."""

from pathlib import Path
from typing import Literal

import pandas as pd

from cotrain.exceptions import DataError
from cotrain.settings import Choice, Count
from cotrain.sources._raw import RawTable, column_of
from cotrain.sources._source import Source
from cotrain.sources._text import numbers_of, read_table

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
        """Return the scores; the molecules are the column smiles."""
        wanted: KibaSettings = self.settings
        place = folder / wanted.path
        scores = _read_scores(place / SCORES)
        chosen = scores[scores["task"].isin(_targets(scores, wanted))]
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


def _targets(scores: pd.DataFrame, source: KibaSettings) -> pd.Index:
    active = scores["value"] <= source.threshold
    per_target = active.groupby(scores["task"]).agg(["size", "sum"])
    smaller_class = per_target["sum"].clip(upper=per_target["size"] - per_target["sum"])
    enough = per_target["size"] >= source.min_scores
    return per_target.index[enough & (smaller_class >= source.min_per_class)]


def _read_scores(path: Path) -> pd.DataFrame:
    body = read_table(path).cells
    columns = {
        "file": path.name,
        "row": body.index,
        "example": column_of(body, "chembl_id", "fetch.path", path),
        "task": column_of(body, "uniprot", "fetch.path", path),
        "value": numbers_of(path, column_of(body, "kiba", "fetch.path", path)),
    }
    return pd.DataFrame(columns).dropna(subset="value")


def _read_smiles(path: Path) -> pd.Series:
    body = read_table(path).cells
    smiles = column_of(body, "smiles", "fetch.path", path)
    smiles.index = pd.Index(column_of(body, "chembl_id", "fetch.path", path))
    twice = smiles.index[smiles.index.duplicated()]
    if len(twice):
        raise DataError(f"{path}: the compound `{twice[0]}` stands twice; keep one of its rows")
    return smiles[smiles != ""]
