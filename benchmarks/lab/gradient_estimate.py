"""Scores of subsets estimated from gradients of one model (Grad-TAG)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from cotrain.surrogates._scores import check_indicators

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GradientEstimate:
    """Scores of subsets without training them.

    Attributes
    ----------
    scores : ndarray, shape (n_subsets, n_tasks)
        Minus the log loss on the task's validation rows; NaN for a task that is not in the subset
        or has no validation rows.
    weights : ndarray, shape (n_subsets, n_directions)
        Step from the base model in the projected directions, to be evaluated on the network itself
        if the linear picture is not trusted.
    """

    scores: Array
    weights: Array


def gradient_estimate(
    gradients: ArrayLike,
    outputs: ArrayLike,
    labels: ArrayLike,
    tasks: ArrayLike,
    validation: ArrayLike,
    X: ArrayLike,
    *,
    ridge: float = 1.0,
    max_steps: int = 50,
) -> GradientEstimate:
    """Scores of subsets from the gradients of one model trained on all tasks (Grad-TAG).

    Near the base model's weights the output on a row is f + g'w, where g is the gradient of
    the row's output projected to a few hundred directions. Training on a subset is then a logistic
    regression on its tasks' training rows with the outputs f as offsets (arXiv 2409.06091,
    section 3).

    Parameters
    ----------
    gradients : array, shape (n_rows, n_directions)
        Projected gradient of the output (logit) of each row; a row is one known label.
    outputs : array, shape (n_rows,)
        Logit of the base model.
    labels : array, shape (n_rows,)
        0 or 1.
    tasks : array of int, shape (n_rows,)
        The task of each row.
    validation : array of bool, shape (n_rows,)
        Rows to score on; the others train.
    X : array, shape (n_subsets, n_tasks)
        1 where the subset holds the task, else 0.
    ridge : float
        Penalty ridge / 2 times the squared length of w, beside the summed log loss.
    max_steps : int
        Newton steps at most.

    Raises
    ------
    ValueError
        If shapes do not agree, a value is out of range, or a subset has no training rows.
    """
    X = check_indicators(X)
    g = np.asarray(gradients, dtype=np.float64)
    f = np.asarray(outputs, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    task, held_out = np.asarray(tasks), np.asarray(validation, dtype=bool)
    if g.ndim != 2 or any(part.shape != (len(g),) for part in (f, y, task, held_out)):
        raise ValueError(
            f"gradients must have the shape (n_rows, n_directions) and the others one value a "
            f"row, got {[part.shape for part in (g, f, y, task, held_out)]}"
        )
    if not np.isin(y, (0, 1)).all() or not (np.isfinite(g).all() and np.isfinite(f).all()):
        raise ValueError("labels must be 0 or 1, gradients and outputs finite")
    if ridge <= 0:
        raise ValueError(f"ridge must be positive, got {ridge}")
    scores = np.full(X.shape, np.nan)
    weights = np.zeros((len(X), g.shape[1]))
    for number, members in enumerate(X.astype(bool)):
        train = members[task] & ~held_out
        if not train.any():
            raise ValueError(f"subset {number} must have training rows, got none")
        weights[number] = _logistic_step(g[train], f[train], y[train], ridge, max_steps)
        for target in np.flatnonzero(members):
            rows = held_out & (task == target)
            if rows.any():
                logits = f[rows] + g[rows] @ weights[number]
                scores[number, target] = -np.mean(np.logaddexp(0.0, logits) - y[rows] * logits)
    return GradientEstimate(scores, weights)


def _logistic_step(g: Array, f: Array, y: Array, ridge: float, max_steps: int) -> Array:
    """Minimiser of the summed log loss of f + g w plus the penalty, by damped Newton steps."""

    def loss(w: Array) -> float:
        logits = f + g @ w
        return float(np.sum(np.logaddexp(0.0, logits) - y * logits) + ridge / 2 * (w @ w))

    w = np.zeros(g.shape[1])
    value = loss(w)
    for _ in range(max_steps):
        p = expit(f + g @ w)
        slope = g.T @ (p - y) + ridge * w
        curvature = (g * (p * (1 - p))[:, None]).T @ g
        curvature[np.diag_indices_from(curvature)] += ridge
        step = cho_solve(cho_factor(curvature), slope)
        decrement = float(slope @ step)
        if decrement < 1e-10:
            break
        scale = 1.0
        while loss(w - scale * step) > value - 0.25 * scale * decrement and scale > 1e-8:
            scale /= 2
        w = w - scale * step
        value = loss(w)
    return w
