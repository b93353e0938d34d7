"""Levenberg–Marquardt within bounds for thousands of tiny least-squares problems at once."""

from dataclasses import dataclass

import numpy as np

from cotrain.curves._forms import Form

# Problems are solved in blocks whose Jacobians stay in the processor's cache.
_BLOCK_CELLS = 400_000
_MAX_ITERATIONS = 200
_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class BatchSolution:
    """The minimum of each problem."""

    theta: np.ndarray  # (n_problems, d)
    loss: np.ndarray  # (n_problems,): sum of squared errors over the known scores
    converged: np.ndarray  # (n_problems,) of bool


def minimise_batch(
    form: Form, counts: np.ndarray, scores: np.ndarray, start: np.ndarray, bounds: np.ndarray
) -> BatchSolution:
    """The least-squares fit of each problem from its own `start` (n_problems, d).

    `counts` (n_problems, n, n_columns) are scaled, or with a leading 1 shared; `scores`
    (n_problems, n) are NaN where unknown. A parameter whose `bounds`, (2, d) or
    (2, n_problems, d), are one stays there.
    """
    n_problems, n_rows = scores.shape
    counts = np.broadcast_to(counts, (n_problems, *counts.shape[1:]))
    bounds = np.broadcast_to(bounds if bounds.ndim == 3 else bounds[:, None], (2, *start.shape))
    theta, loss = start.copy(), np.empty(n_problems)
    converged = np.zeros(n_problems, dtype=bool)
    block = max(1, _BLOCK_CELLS // (n_rows * form.n_parameters))
    for first in range(0, n_problems, block):
        part = slice(first, first + block)
        theta[part], loss[part], converged[part] = _solve_block(
            form, counts[part], scores[part], theta[part], bounds[:, part]
        )
    return BatchSolution(theta, loss, converged)


def _solve_block(
    form: Form, counts: np.ndarray, scores: np.ndarray, start: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    known = np.isfinite(scores)
    scores = np.where(known, scores, 0.0)
    low, high = bounds
    theta = np.clip(start, low, high)
    error = _errors(form, theta, counts, scores, known)
    loss = np.square(error).sum(axis=1)
    damping = np.full(len(theta), 1e-3)
    converged = loss == 0
    for _ in range(_MAX_ITERATIONS):
        at = np.flatnonzero(~converged)
        if at.size == 0:
            break
        jacobian = form.gradient(theta[at], counts[at]) * known[at][..., None]
        pull = np.einsum("pnd,pn->pd", jacobian, error[at])
        # Parameters at a bound that the errors pull further out.
        pinned = ((theta[at] <= low[at]) & (pull < 0)) | ((theta[at] >= high[at]) & (pull > 0))
        step = _damped_step(jacobian, pull, pinned, damping[at])
        trial = np.clip(theta[at] + step, low[at], high[at])
        trial_error = _errors(form, trial, counts[at], scores[at], known[at])
        trial_loss = np.square(trial_error).sum(axis=1)
        better = trial_loss <= loss[at]
        moved = np.abs(trial - theta[at]).max(axis=1)
        gained = loss[at] - trial_loss
        # Done: an accepted step that changes nothing, or a step so damped that none will.
        still = (gained <= _TOLERANCE * loss[at]) & (moved <= 1e3 * _TOLERANCE)
        converged[at] = np.where(better, still | (trial_loss == 0), damping[at] > 1e12)
        damping[at] = np.where(better, np.maximum(damping[at] / 10, 1e-14), damping[at] * 5)
        accepted = at[better]
        theta[accepted] = trial[better]
        error[accepted], loss[accepted] = trial_error[better], trial_loss[better]
    return theta, loss, converged


def _errors(
    form: Form, theta: np.ndarray, counts: np.ndarray, scores: np.ndarray, known: np.ndarray
) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.where(known, scores - form.value(theta, counts), 0.0)
    # A trial step may overflow; an error too large to accept rejects it.
    return np.nan_to_num(error, nan=1e100, posinf=1e100, neginf=-1e100)


def _damped_step(
    jacobian: np.ndarray, pull: np.ndarray, pinned: np.ndarray, damping: np.ndarray
) -> np.ndarray:
    jacobian = np.where(pinned[:, None, :], 0.0, jacobian)
    normal = jacobian.swapaxes(1, 2) @ jacobian
    diagonal = np.einsum("pdd->pd", normal)
    # A parameter without influence gets a unit diagonal, and so a step of 0.
    ridge = np.where(diagonal > 1e-200, (damping[:, None] + 1e-13) * diagonal, 1.0)
    index = np.arange(normal.shape[1])
    normal[:, index, index] += ridge
    pull = np.where(pinned, 0.0, pull)
    return np.linalg.solve(normal, pull[..., None])[..., 0]
