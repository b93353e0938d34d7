from pathlib import Path

import pandas as pd

from cotrain.exceptions import DataError
from cotrain.settings import KibaSource
from cotrain.sources._measurements import COLUMNS, Measurements, summary_row
from cotrain.sources._text import column_of, numbers_of, read_text

SCORES, COMPOUNDS = "scores.csv.gz", "compounds.csv.gz"


def read_kiba(source: KibaSource, folder: Path) -> Measurements:
    """Return KIBA scores (Tang et al. 2014) of the targets with enough data; low = strong.

    A target is kept if it has at least `min_scores` scores and `min_per_class` on each side of
    `threshold`, counted on *all* compounds. Only then are compounds without SMILES dropped. On
    the published matrix 100, 10 and 3.0 keep 244 targets, as many as KIBA244 of arXiv
    2512.24866, whose own rule we have not seen published.

    Raises
    ------
    DataError
        If a file or column is missing, a score is not a number, or no target is left.
    """
    scores = _read_scores(folder / source.path / SCORES)
    chosen = scores[scores["task"].isin(_targets(scores, source))]
    if chosen.empty:
        raise DataError(
            f"{folder / source.path}: no target has {source.min_scores} scores and "
            f"{source.min_per_class} of each class; lower `fetch.kiba.min_scores`"
        )
    smiles = _read_smiles(folder / source.path / COMPOUNDS)
    table = chosen.assign(smiles=chosen["example"].map(smiles)).dropna(subset="smiles")
    table = table.sort_values("task", kind="stable")[list(COLUMNS)].reset_index(drop=True)
    steps = {"read": scores, "targets with enough scores": chosen, "compounds with SMILES": table}
    return Measurements(table, pd.DataFrame([summary_row(*step) for step in steps.items()]))


def _targets(scores: pd.DataFrame, source: KibaSource) -> pd.Index:
    active = scores["value"] <= source.threshold
    per_target = active.groupby(scores["task"]).agg(["size", "sum"])
    smaller_class = per_target["sum"].clip(upper=per_target["size"] - per_target["sum"])
    enough = per_target["size"] >= source.min_scores
    return per_target.index[enough & (smaller_class >= source.min_per_class)]


def _read_scores(path: Path) -> pd.DataFrame:
    body = read_text(path)
    columns = {
        "file": path.name,
        "row": body.index,
        "example": column_of(path, body, "chembl_id", "fetch.kiba"),
        "task": column_of(path, body, "uniprot", "fetch.kiba"),
        "value": numbers_of(path, column_of(path, body, "kiba", "fetch.kiba")),
    }
    return pd.DataFrame(columns).dropna(subset="value")


def _read_smiles(path: Path) -> pd.Series:
    body = read_text(path)
    smiles = column_of(path, body, "smiles", "fetch.kiba")
    smiles.index = pd.Index(column_of(path, body, "chembl_id", "fetch.kiba"))
    twice = smiles.index[smiles.index.duplicated()]
    if len(twice):
        raise DataError(f"{path}: the compound `{twice[0]}` stands twice; keep one of its rows")
    return smiles[smiles != ""]
