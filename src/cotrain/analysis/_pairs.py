"""Tables of ordered pairs of tasks as matrices."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def pair_matrix(pairs: pd.DataFrame, tasks: Sequence[str], column: str) -> np.ndarray:
    """A table of ordered pairs as [target, source], (K, K); NaN where unknown and for no pair."""
    values = pairs.set_index(["target", "source"])[column]
    every = pd.MultiIndex.from_product([tasks, tasks])
    return values.reindex(every).to_numpy(dtype=np.float64).reshape(len(tasks), len(tasks))
