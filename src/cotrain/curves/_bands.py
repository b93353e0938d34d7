"""How well many curves are known where their scores were measured."""

import numpy as np
from scipy import stats

from cotrain.curves._fit import CurveFits


def curve_bands(
    fits: CurveFits,
    counts: np.ndarray,
    scores: np.ndarray,
    repeats: np.ndarray,
) -> np.ndarray:
    """95 % intervals of curves at the counts that they were fitted to, (n_curves, n, 2): low, high.

    From the curvature of the squared error and the spread over whole repeats, whose scores share
    their noise (the sandwich of clustered errors, with Student's t of the repeats). A parameter at
    its bound is taken as known. NaN for a curve without estimate, and for fewer than two repeats.

    Parameters
    ----------
    fits : CurveFits
    counts : ndarray, (n_curves, n, n_columns)
    scores : ndarray, (n_curves, n)
        What the curves were fitted to; NaN where unknown.
    repeats : ndarray, (n,)
        Repeat of each score.
    """
    form, theta = fits.form, fits.theta
    fixed = np.stack([fits.at_bound[name] for name in form.parameters], axis=1)
    fitted = np.isfinite(theta).all(axis=1)
    jacobian = form.gradient(np.where(fitted[:, None], theta, 0.0), np.asarray(counts, dtype=float))
    jacobian = np.where(fixed[:, None, :], 0.0, jacobian)
    size = np.sqrt(np.square(jacobian).sum(axis=1, keepdims=True))
    jacobian = jacobian / np.where(size > 0, size, 1.0)
    predicted = fits.predict(counts)
    known = np.isfinite(scores) & fitted[:, None]
    residual = np.where(known, scores - predicted, 0.0)
    seen = np.where(known[..., None], jacobian, 0.0)
    inverse = np.linalg.pinv(seen.swapaxes(1, 2) @ seen, rcond=1e-10, hermitian=True)
    names = np.unique(repeats)
    member = (np.asarray(repeats)[:, None] == names).astype(float)
    pull = np.einsum("pnd,pn,nr->prd", seen, residual, member)
    factor = pull @ inverse @ jacobian.swapaxes(1, 2)  # (n_curves, repeats, n)
    n_repeats = (known @ member > 0).sum(axis=1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        sd = np.sqrt(np.square(factor).sum(axis=1) * n_repeats / (n_repeats - 1))
        half = stats.t.ppf(0.975, n_repeats - 1) * sd
    return np.stack([predicted - half, predicted + half], axis=2)
