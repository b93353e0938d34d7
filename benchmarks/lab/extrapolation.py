"""How well the highest level is foretold from the lower ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotrain.curves import TransferModel, fit_curves
from cotrain.curves._transfer import block_codes
from cotrain.means import mean_known
from lab.curve_shapes import FormName, get_form
from lab.transfer_intervals import score_intervals

_CURVES: tuple[FormName, ...] = ("exp3.1", "exp3.2", "power", "ilog2")


@dataclass(frozen=True, eq=False)
class Extrapolation:
    """Predictions of the highest level's scores from the fits below it.

    Attributes
    ----------
    predictions : dict of str to ndarray, (n_fits at the highest level, K)
        By predictor; NaN where it has none for a task.
    scores : ndarray, (n_fits at the highest level, K)
        What was measured.
    repeat_noise : float
        Median over tasks and fits of |score − mean score of the other fits at the level|: the
        error of having measured the level in the other repeats. NaN for one repeat.
    interval_coverage : float
        Share of the scores that lie in the transfer model's 95 % interval for a new fit.
    """

    predictions: Mapping[str, np.ndarray]
    scores: np.ndarray
    repeat_noise: float
    interval_coverage: float

    @property
    def errors(self) -> dict[str, float]:
        """Median absolute error of each predictor over the scores that all of them predict."""
        known = np.isfinite(self.scores)
        for predicted in self.predictions.values():
            known &= np.isfinite(predicted)
        if not known.any():
            return dict.fromkeys(self.predictions, float("nan"))
        return {
            name: float(np.median(np.abs(predicted - self.scores)[known]))
            for name, predicted in self.predictions.items()
        }


def extrapolate(
    N: np.ndarray,
    Y: np.ndarray,
    levels: np.ndarray,
    auxiliary: np.ndarray,
    blocks: np.ndarray | None = None,
    *,
    model: TransferModel | None = None,
    random_state: Any = 0,
) -> Extrapolation:
    """Predictions of the fits of all tasks at the highest level, by fits below it alone.

    Parameters
    ----------
    N, Y : ndarray, (n_fits, K)
        Counts and scores, as of `TransferModel.fit`.
    levels : ndarray of int, (n_fits,)
        Training folds of each fit, extra folds of an auxiliary aside.
    auxiliary : ndarray of int, (n_fits,)
        Task with a fold more, -1 for none.
    blocks : ndarray, (n_fits, K) or (n_fits,), optional
        As of `TransferModel.fit`.
    model : TransferModel, optional
        Its parameters are used.
    random_state : int
        Seed of the curves' starts.

    Raises
    ------
    ValueError
        If fits of all tasks without auxiliary do not stand at two levels or more.
    """
    N, Y = np.asarray(N, dtype=float), np.asarray(Y, dtype=float)
    levels, auxiliary = np.asarray(levels), np.asarray(auxiliary)
    whole = (N > 0).all(axis=1) & (auxiliary < 0)
    if len(found := np.unique(levels[whole])) < 2:
        raise ValueError(f"levels must hold two of fits of all tasks, got {found.tolist()}")
    top = whole & (levels == found[-1])
    below = levels < found[-1]
    fitted = model if model is not None else TransferModel(random_state=0)
    fitted.fit(N[below], Y[below], block_codes(blocks, N.shape)[below])
    last = whole & (levels == found[-2])
    predictions: dict[str, np.ndarray] = {"transfer model": fitted.predict(N[top])}
    for form in _CURVES:
        predictions[form] = _by_curves(form, N, Y, whole & below, top, random_state)
    predictions["last value"] = np.tile(mean_known(Y[last]), (int(top.sum()), 1))
    interval = score_intervals(fitted, N[top], new_fit=True)
    known = np.isfinite(Y[top])
    held = (interval[..., 0] <= Y[top]) & (Y[top] <= interval[..., 1])
    return Extrapolation(predictions, Y[top], _repeat_noise(Y[top]), float(held[known].mean()))


def _by_curves(
    form: FormName,
    N: np.ndarray,
    Y: np.ndarray,
    trained: np.ndarray,
    top: np.ndarray,
    random_state: Any,
) -> np.ndarray:
    """Each task's own curve through the fits of all tasks below the level, (n_top, K)."""
    others = N.sum(axis=1, keepdims=True) - N
    columns = np.stack([N, others], axis=2) if form == "exp3.2" else N[..., None]
    by_task = columns.swapaxes(0, 1)
    fits = fit_curves(by_task[:, trained], Y[trained].T, get_form(form), random_state=random_state)
    return fits.predict(by_task[:, top]).T


def _repeat_noise(scores: np.ndarray) -> float:
    """Median of |score − mean of the other rows|."""
    known = np.isfinite(scores)
    n = known.sum(axis=0)
    if not (n > 1).any():
        return float("nan")
    rest = (np.nansum(scores, axis=0) - scores) / np.maximum(n - 1, 1)
    return float(np.median(np.abs(scores - rest)[known & (n > 1)]))
