from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.linalg import cholesky
from scipy.linalg.lapack import dpotri

from cotrain.arrays import Array

# Shares of the variance that the effects may explain, dense where there is no effect and where
# there is no noise. Weighted by the spacing: before the data are seen, any share is as likely.
MIN_DOF = 4.0
SHARES = np.sin(np.pi / 2 * (np.arange(50) + 0.5) / 50) ** 2


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is known of the effects after seeing the scores: a multivariate t distribution."""

    mean: Array  # (n_features,): effect of each feature
    # Returns two arrays (n_features, n_features): the covariance, which is the squared scale of the
    # t distribution, and the filter: the mean is this times X'y, for these y and for others of the
    # same rows. Made when asked for, and not kept: predicting needs neither
    squares: Callable[[], tuple[Array, Array]]
    noise: float  # variance of the noise of a row of weight 1
    dof: float  # degrees of freedom of the t distribution
    # Variance of the effects about their mean before the scores; NaN for a given penalty
    prior: float = np.nan


def evidence_posterior(X: Array, y: Array, free: Array | None = None) -> Posterior:
    """The effects under y ~ N(X theta, noise), theta_i ~ N(m free_i, tau²), averaged over tau.

    Rows are already centred and multiplied by the square root of their weights. The penalty
    noise / tau² is not chosen but averaged over a grid, each value weighted by its restricted
    marginal likelihood: a choice would report no uncertainty at all where it lands on tau = 0.

    `free` (n_features, q) are directions without a penalty, for m, of q numbers, has a flat prior;
    a column of ones is a mean effect that is free. The rows must tell them, see `told_by`.
    """
    free = np.empty((X.shape[1], 0)) if free is None else free
    basis = np.empty((len(X), 0))
    if free.shape[1]:  # scaled so that the rows' levels are orthonormal: the basis, (n_rows, q)
        basis, scale = np.linalg.qr(X @ free)
        free = np.linalg.solve(scale.T, free.T).T
    along = basis.T @ X  # what a row's levels tell of its members
    dof = len(X) - 1.0 - free.shape[1]

    level = basis.T @ y
    residual = y - basis @ level
    d, V, u = _spectrum(X, basis, along, residual)
    unexplained = max(residual @ residual - u @ u, 0.0)
    penalty = (d.sum() / dof) * (1 - SHARES[:, None]) / SHARES[:, None]  # (n_grid, 1)
    noise = (unexplained + (u**2 * penalty / (d + penalty)).sum(axis=1)) / dof
    log_weight = 0.5 * np.log(SHARES * (1 - SHARES)) - 0.5 * (
        np.log1p(d / penalty).sum(axis=1) + dof * np.log(noise)
    )
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()

    means = np.sqrt(d) * u / (d + penalty)  # (n_grid, rank), in the directions V
    mean = weight @ means
    prior = weight @ (noise / penalty[:, 0])
    effects = V @ mean
    # theta = free m + delta and m | delta ~ N(level - along delta, noise).
    effects += free @ (level - along @ effects)
    # As in `ridge_posterior`: what the effects use up says nothing of the noise. Bounded below, for
    # the prior says something where the rows are fewer than the effects.
    spent = float(weight @ (d / (d + penalty)).sum(axis=1))
    noise_now, dof_left = float(weight @ noise), max(dof - spent, MIN_DOF)
    between = V @ (np.sqrt(weight)[:, None] * (means - mean)).T
    known = V * np.sqrt(np.maximum(prior - weight @ (noise[:, None] / (d + penalty)), 0.0))
    seen = V * (weight @ (1 / (d + penalty)))
    squares = partial(_squares, V, between, known, seen, prior, free, along, noise_now)
    return Posterior(effects, squares, noise_now, dof_left, prior)


def _squares(
    V: Array,
    between: Array,
    known: Array,
    seen: Array,
    prior: float,
    free: Array,
    along: Array,
    noise: float,
) -> tuple[Array, Array]:
    """Covariance and filter of the effects.

    Between penalties, and within them: the prior less what the scores take off it; then what is
    not known of the free directions.
    """
    one = np.eye(free.shape[1])
    covariance = between @ between.T - known @ known.T
    covariance[np.diag_indices_from(covariance)] += prior
    toward = covariance @ along.T
    cross = free @ ((along @ toward + noise * one) / 2 @ free.T - toward.T)
    covariance += cross
    covariance += cross.T
    seen = seen @ V.T
    told = along @ seen
    cross = free @ ((told @ along.T + one) / 2 @ free.T - told)
    return covariance, seen + cross + cross.T


def told_by(X: Array, free: Array) -> Array:
    """The columns of `free`, (n_features, q), that centred rows tell, and more than these alone.

    One after another; a column that tells no more than those before it is left out.
    """
    total = float(np.vdot(X, X))
    found: Array = free[:, :0]
    for column in free.T:
        more = np.column_stack([found, column])
        levels = X @ more
        size = np.linalg.svd(levels, compute_uv=False)
        if size[-1] ** 2 <= 1e-8 * total or len(size) < more.shape[1]:
            continue
        basis = np.linalg.qr(levels)[0]
        if total - float(np.sum((basis.T @ X) ** 2)) > 1e-8 * total:
            found = more
    return found


def ridge_posterior(X: Array, y: Array, penalty: float) -> Posterior:
    """The effects by ridge regression with a given penalty; rows are centred and weighted.

    The degrees of freedom are the rows less the effective number of parameters; where none are
    left, the noise and the covariance are unknown (NaN).
    """
    n_rows, n_features = X.shape
    gram = X.T @ X
    lower = cholesky(gram + penalty * np.eye(n_features), lower=True)
    inverse = dpotri(lower, lower=1)[0]
    inverse += np.tril(inverse, -1).T
    mean = inverse @ (X.T @ y)
    dof = n_rows - 1.0 - np.einsum("ij,ji->", inverse, gram)
    rss = float(np.sum((y - X @ mean) ** 2))
    noise = rss / dof if dof >= 1 else np.nan
    return Posterior(mean, partial(given, noise * inverse, inverse), noise, dof)


def given(covariance: Array, seen: Array) -> tuple[Array, Array]:
    return covariance, seen


def _spectrum(X: Array, basis: Array, along: Array, y: Array) -> tuple[Array, Array, Array]:
    """The spectrum of Z = X - basis along, whose columns are orthogonal to the levels.

    Squared singular values, right singular vectors, and y (orthogonal to the levels) in the left
    ones. The smaller of the two eigenproblems is solved.
    """
    n_rows, n_features = X.shape
    if n_rows < n_features:
        Z = X - basis @ along
        d, U = np.linalg.eigh(Z @ Z.T)  # unlike scipy's, it lets other threads run
        kept = d > d[-1] * n_features * 1e-15
        d, U = d[kept], U[:, kept]
        return d, Z.T @ U / np.sqrt(d), y @ U
    gram = X.T @ X
    gram -= along.T @ along
    d, V = np.linalg.eigh(gram)
    kept = d > d[-1] * n_rows * 1e-15
    d, V = d[kept], V[:, kept]
    return d, V, (y @ X) @ V / np.sqrt(d)
