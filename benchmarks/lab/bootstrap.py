"""Intervals of any statistic by drawing clusters of rows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def cluster_bootstrap(
    statistic: Callable[[NDArray[np.intp]], ArrayLike],
    clusters: ArrayLike,
    *,
    n_bootstrap: int = 1000,
    random_state: int = 0,
) -> Array:
    """Values of a statistic on samples of whole clusters, shape (n_bootstrap, ...).

    Rows of one cluster, such as the repeats of a subset or the subsets of a repeat, are drawn
    together, for their noise is shared; `scipy.stats.bootstrap` draws rows one by one.

    Parameters
    ----------
    statistic : callable
        Takes row numbers, with repetitions, and returns a number or an array.
    clusters : array, shape (n_rows,)
        Label of each row's cluster.
    n_bootstrap : int
        Draws.
    random_state : int
        Seed of the draws.

    Raises
    ------
    ValueError
        If there are fewer than two clusters.
    """
    labels, which = np.unique(np.asarray(clusters), return_inverse=True)
    if len(labels) < 2:
        raise ValueError(f"clusters must hold at least 2 labels, got {len(labels)}")
    rows = [np.flatnonzero(which == number) for number in range(len(labels))]
    rng = np.random.default_rng(random_state)
    draws = rng.integers(0, len(labels), (n_bootstrap, len(labels)))
    return np.array([statistic(np.concatenate([rows[i] for i in draw])) for draw in draws])
