"""Tables of ordered pairs of tasks as matrices."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd


def pair_matrix(pairs: pd.DataFrame, tasks: Sequence[str], column: str) -> np.ndarray:
    """A table of ordered pairs as [target, source], (K, K); NaN where unknown and for no pair."""
    values = pairs.set_index(["target", "source"])[column]
    every = pd.MultiIndex.from_product([tasks, tasks])
    return values.reindex(every).to_numpy(dtype=np.float64).reshape(len(tasks), len(tasks))


def pair_frame(
    tasks: Sequence[str], columns: Mapping[str, np.ndarray], source: str = "source"
) -> pd.DataFrame:
    """The other way: matrices [target, source], (K, K), as columns, one row an ordered pair."""
    target, other = np.nonzero(~np.eye(len(tasks), dtype=bool))
    names = np.array(tasks, dtype=object)
    values = {name: matrix[target, other] for name, matrix in columns.items()}
    return pd.DataFrame({"target": names[target], source: names[other], **values})
