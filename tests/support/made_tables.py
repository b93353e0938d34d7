"""Tables of the contract, made up in part."""

from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.tables import TABLES, write


def put(frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a table of the contract; columns that are not made up stay unknown, 0 or empty."""
    blank = {"number": np.nan, "integer": 0, "word": "", "name": "", "flag": False}
    lacking = {c.name: blank[c.type] for c in TABLES[name].columns if c.name not in frame}
    numbers = {c.name for c in TABLES[name].columns if c.type == "number"}
    filled = frame.assign(**lacking)
    for column in numbers:
        filled[column] = pd.to_numeric(filled[column])
    write(folder, name, filled)
