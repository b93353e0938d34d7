"""Intervals of a transfer model's parameters and scores that no table of a study holds."""

from dataclasses import dataclass

import numpy as np

from cotrain.curves import TransferModel
from cotrain.curves._forms import CEILING
from cotrain.curves._transfer_core import FIRST, B, C, score_gradient


@dataclass(frozen=True, eq=False)
class TransferIntervals:
    """Intervals of a transfer model's parameters; the last axis is (low, high).

    Attributes
    ----------
    asymptotes, applicabilities : ndarray, (K, 2)
    discounts : ndarray, (K, K, 2)
        [target, source].
    """

    asymptotes: np.ndarray
    applicabilities: np.ndarray
    discounts: np.ndarray


def parameter_intervals(model: TransferModel, level: float = 0.95) -> TransferIntervals:
    """Intervals of every parameter of a fitted model."""
    reach = model.reach(level)[:, None]
    z = np.stack([fit.z for fit in model.fits_])
    sd = np.sqrt(np.stack([np.diag(fit.covariance) for fit in model.fits_]))
    ends = np.stack([z - reach * sd, z + reach * sd], axis=2)
    n_tasks = len(z)
    own = np.arange(n_tasks)
    alpha = ends[:, FIRST : FIRST + n_tasks]
    alpha[own, own] = np.exp(alpha[own, own])
    asymptotes = np.minimum(ends[:, C], CEILING)
    return TransferIntervals(asymptotes, ends[:, B], alpha / model.scales_[None, :, None])


def score_intervals(
    model: TransferModel, N: np.ndarray, level: float = 0.95, *, new_fit: bool = False
) -> np.ndarray:
    """The interval of every task's score at counts N (n, K), (n, K, 2): low, high.

    Parameters
    ----------
    new_fit : bool
        Whether it is to hold the score of one new fit in a new block, noise included, rather
        than the expected one.
    """
    mean, sd = model.predict(N), np.sqrt(score_variance(model, N))
    if new_fit:
        sd = np.sqrt(sd**2 + model.noise_**2 + model.block_sd_**2)
    half = model.reach(level) * sd
    return np.stack([mean - half, np.minimum(mean + half, CEILING)], axis=2)


def score_variance(model: TransferModel, N: np.ndarray) -> np.ndarray:
    """The posterior variance of every task's expected score at counts N (n, K), (n, K)."""
    x = np.asarray(N, dtype=float) / model.scales_
    width = FIRST + x.shape[1]
    columns = []
    for target, fit in enumerate(model.fits_):
        gradient = score_gradient(fit.z, target, x)
        columns.append(((gradient @ fit.covariance[:width, :width]) * gradient).sum(axis=1))
    return np.stack(columns, axis=1)
