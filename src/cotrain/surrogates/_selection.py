import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotrain.surrogates._targets import TargetSurrogates

Bools = NDArray[np.bool_]


def sources_above(coef: ArrayLike, thresholds: ArrayLike) -> Bools:
    """For each threshold the sources at least so relevant: candidates to train for one target.

    arXiv 2303.14582, algorithm 1: the best of them is chosen by training each and comparing on
    validation labels.

    Parameters
    ----------
    coef : array, shape (n_tasks,)
        Relevance of each source to the target; NaN, as for the target itself, is left out.
    thresholds : array, shape (n_thresholds,)
        In units of the score.

    Returns
    -------
    ndarray of bool, shape (n_distinct, n_tasks)
        Distinct sets, the smallest first.
    """
    relevance = np.nan_to_num(np.asarray(coef, dtype=np.float64), nan=-np.inf)
    sets = relevance >= np.asarray(thresholds, dtype=np.float64)[:, None]
    distinct = np.unique(sets, axis=0)
    return distinct[np.argsort(distinct.sum(axis=1), kind="stable")]


def best_sources(
    models: TargetSurrogates,
    target: int,
    *,
    max_size: int | None = None,
    n_starts: int = 20,
    random_state: int = 0,
) -> Bools:
    """The sources that the target's surrogate predicts the best score with.

    Steepest ascent over single tasks added or removed, from no sources, from all and from random
    sets: exact for a linear surrogate without `max_size`, a local optimum otherwise.

    Parameters
    ----------
    models : TargetSurrogates
        As `fit_surrogates` gives.
    target : int
        The task that is to score well.
    max_size : int, optional
        Sources at most.
    n_starts : int
        Random starts.
    random_state : int
        Seed of the starts.

    Returns
    -------
    ndarray of bool, shape (n_tasks,)
        Without the target.

    Raises
    ------
    ValueError
        If the target has no surrogate, or an argument is out of its range.
    """
    n_tasks = len(models.estimators)
    if not 0 <= target < n_tasks:
        raise ValueError(f"target must be in 0 .. {n_tasks - 1}, got {target}")
    if models.estimators[target] is None:
        raise ValueError(f"target {target} has no surrogate: {models.reasons[target]}")
    limit = n_tasks - 1 if max_size is None else max_size
    if limit < 0:
        raise ValueError(f"max_size must be at least 0, got {max_size}")
    rng = np.random.default_rng(random_state)
    others = np.delete(np.arange(n_tasks), target)
    starts = [others[:0], others[:limit]]
    starts += [
        rng.choice(others, rng.integers(0, min(limit, len(others)) + 1), replace=False)
        for _ in range(n_starts)
    ]
    found = [_climb(models, target, np.isin(np.arange(n_tasks), s), limit) for s in starts]
    return max(found, key=lambda pair: pair[1])[0]


def _climb(
    models: TargetSurrogates, target: int, sources: Bools, limit: int
) -> tuple[Bools, float]:
    estimator = models.estimators[target]
    own = np.arange(len(sources)) == target

    def predict(sets: Bools) -> NDArray[np.float64]:
        return np.asarray(estimator.predict((sets | own).astype(np.float64)))

    value = float(predict(sources[None])[0])
    while True:
        neighbours = sources ^ np.eye(len(sources), dtype=bool)[~own]
        neighbours = neighbours[neighbours.sum(axis=1) <= limit]
        values = predict(neighbours) if len(neighbours) else np.array([-np.inf])
        if values.max() <= value + 1e-12:
            return sources, value
        sources, value = neighbours[np.argmax(values)], float(values.max())
