import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from cotrain.surrogates._errors import DesignWarning
from cotrain.surrogates._linear import LinearSurrogate

Array = NDArray[np.float64]


def bootstrap_error(
    model: LinearSurrogate,
    X: Array,
    y: Array,
    weight: Array,
    n_draws: int,
    rng: np.random.Generator,
) -> Array:
    """Standard error of each effect, shape (n_tasks,), from subsets drawn anew.

    A shrunken estimate varies less than it errs, because it is also drawn to the mean. So only the
    share of the error that comes from noise is replaced by the bootstrap's; the model's share for
    the shrinkage stays.

    Parameters
    ----------
    model : LinearSurrogate
        Fitted to `X`, `y` and `weight`.
    X, y, weight : ndarrays, shapes (n_subsets, n_tasks), (n_subsets,), (n_subsets,)
        A subset is drawn together with all its repeats.
    n_draws : int
        At least 2.
    rng : Generator
        Draws the subsets.
    """
    if n_draws < 2:
        raise ValueError(f"n_bootstrap must be at least 2, got {n_draws}")
    draws: list[Array] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        while len(draws) < n_draws:
            times = rng.multinomial(len(y), np.full(len(y), 1 / len(y)))
            drawn = np.repeat(np.arange(len(y)), times)
            if np.ptp(y[drawn]) > 0:
                draws.append(clone(model)._fit(X[drawn], y[drawn], weight[drawn]).coef_)
    centred = X - weight @ X / weight.sum()
    gram = (weight[:, None] * centred).T @ centred
    by_model = np.einsum("ij,jk,ki->i", model.covariance_, gram, model.covariance_) / model.noise_
    shrinkage = np.maximum(np.diag(model.covariance_) - by_model, 0.0)
    return np.sqrt(_variance(np.array(draws)) + shrinkage)


def _variance(draws: Array) -> Array:
    """Variance over draws; NaN where fewer than half of them show the effect."""
    known = ~np.isnan(draws)
    n = np.where(known.sum(axis=0) > len(draws) / 2, known.sum(axis=0), np.nan)
    mean = np.where(known, draws, 0.0).sum(axis=0) / n
    return np.where(known, (draws - mean) ** 2, 0.0).sum(axis=0) / (n - 1)
