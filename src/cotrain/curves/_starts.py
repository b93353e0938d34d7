"""The best fit of several starts, for many curves at once."""

import numpy as np

from cotrain.curves._batch import BatchSolution, minimise_batch
from cotrain.curves._forms import Form, count_scales, per_label


def fit_from_starts(
    form: Form,
    counts: np.ndarray,
    scores: np.ndarray,
    bounds: np.ndarray,
    n_starts: int,
    rng: np.random.Generator,
) -> tuple[BatchSolution, np.ndarray]:
    """The least-squares fit of each problem, its parameters per label, and which are at a bound.

    Parameters
    ----------
    counts : ndarray, (n_problems, n, n_columns)
    scores : ndarray, (n_problems, n)
        NaN where unknown.
    bounds : ndarray, (2, d)
        For counts divided by the largest.
    """
    scales = count_scales(form, counts)
    scaled, free = counts / scales[:, None, :], np.ones(form.n_parameters, dtype=bool)
    starts = random_starts(form, scaled, scores, bounds, n_starts, rng)
    found = best_of([minimise_batch(form, scaled, scores, s, bounds, free) for s in starts])
    hits = at_bounds(found.theta, bounds)
    return BatchSolution(per_label(form, found.theta, scales), found.loss, found.converged), hits


def random_starts(
    form: Form,
    counts: np.ndarray,
    scores: np.ndarray,
    bounds: np.ndarray,
    n_starts: int,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Starts whose non-linear parameters are random and whose c and B are the best for them."""
    return [
        _with_best_linear(form, counts, scores, bounds, nonlinear)
        for nonlinear in _nonlinear_draws(form, n_starts, rng)
    ]


def best_of(solutions: list[BatchSolution]) -> BatchSolution:
    """The solution of the least loss, problem by problem."""
    loss = np.stack([solution.loss for solution in solutions])
    best = np.argmin(loss, axis=0)
    at = np.arange(loss.shape[1])
    return BatchSolution(
        np.stack([solution.theta for solution in solutions])[best, at],
        loss[best, at],
        np.stack([solution.converged for solution in solutions])[best, at],
    )


def at_bounds(theta: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Which parameters (n_problems, d) lie at a bound."""
    slack = 1e-6 * (bounds[1] - bounds[0])
    return (theta <= bounds[0] + slack) | (theta >= bounds[1] - slack)


def _nonlinear_draws(form: Form, n_starts: int, rng: np.random.Generator) -> np.ndarray:
    draws = np.exp(rng.uniform(np.log(0.3), np.log(20.0), size=(n_starts, form.n_parameters)))
    draws[:1] = 2.0
    for column, name in enumerate(form.parameters):
        if name in ("a_auxiliary", "a_others"):
            draws[:, column] = rng.normal(scale=0.5, size=n_starts)
            draws[:1, column] = 0.0
        if name == "alpha":
            draws[:, column] = np.exp(rng.uniform(np.log(0.2), np.log(2.0), size=n_starts))
            draws[:1, column] = 0.5
    return draws


def _with_best_linear(
    form: Form, counts: np.ndarray, scores: np.ndarray, bounds: np.ndarray, draw: np.ndarray
) -> np.ndarray:
    is_log = form.parameters[1] == "b"
    theta = np.tile(draw, (len(scores), 1))
    theta[:, 1] = 0.0 if is_log else 1.0
    known = np.isfinite(scores)
    shape = np.where(known, form.shortfall(theta, counts), 0.0)
    n_known = np.maximum(known.sum(axis=1), 1)
    mean_shape = shape.sum(axis=1) / n_known
    mean_score = np.where(known, scores, 0.0).sum(axis=1) / n_known
    deviation = np.where(known, shape - mean_shape[:, None], 0.0)
    spread = np.square(deviation).sum(axis=1)
    slope = -(deviation * np.where(known, scores, 0.0)).sum(axis=1) / np.maximum(spread, 1e-300)
    size = np.clip(slope, 1e-3, 10.0)
    theta[:, 0] = np.minimum(mean_score + size * mean_shape, bounds[1, 0])
    theta[:, 1] = np.log(size) if is_log else size
    return np.clip(theta, *bounds)
