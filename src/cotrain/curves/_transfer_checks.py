"""What counts and scores of fits must be for a transfer model."""

from collections.abc import Sequence

import numpy as np


def check_fits(
    N: np.ndarray, Y: np.ndarray, ceiling: float, tasks: Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray]:
    Y = np.asarray(Y, dtype=float)
    if Y.ndim != 2:
        raise ValueError(f"Y must have shape (n_fits, K), got {Y.shape}")
    N = check_fit_counts(N, Y.shape[1])
    if N.shape != Y.shape:
        raise ValueError(f"N must have the shape of Y, got {N.shape} and {Y.shape}")
    names = tuple(tasks) if tasks is not None else tuple(f"task {i}" for i in range(Y.shape[1]))
    if len(names) != Y.shape[1]:
        raise ValueError(f"tasks must hold {Y.shape[1]} names, got {len(names)}")
    known = np.isfinite(Y)
    wrong = ~np.isnan(Y) & ~((ceiling >= Y) & np.isfinite(Y))
    if wrong.any():
        row, task = np.argwhere(wrong)[0]
        raise ValueError(
            f"Y must be finite and at most the ceiling {ceiling:g}, got {Y[row, task]:g} for "
            f"{names[task]} in row {row}; set `ceiling` for another score"
        )
    if not known.any(axis=0).all():
        task = int(np.argmin(known.any(axis=0)))
        raise ValueError(f"Y must score every task, got no score for {names[task]}; leave it out")
    own = np.where(known, N, np.nan)
    if not (np.nanmax(own, axis=0) > np.nanmin(own, axis=0)).any():
        raise ValueError(
            "N must hold different counts of a task where it is scored, got one level only; "
            "add fits at another level"
        )
    return N, Y


def check_fit_counts(N: np.ndarray, n_tasks: int) -> np.ndarray:
    N = np.asarray(N, dtype=float)
    if N.ndim != 2 or N.shape[1] != n_tasks:
        raise ValueError(f"N must have shape (n, {n_tasks}), got {N.shape}")
    if not ((N >= 0) & np.isfinite(N)).all():
        raise ValueError("N must hold counts of at least 0, got a negative or unknown one")
    return N


def block_codes(blocks: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """Whole numbers 0, 1, … for the different blocks, of the shape (n_fits, K)."""
    if blocks is None:
        return np.zeros(shape, dtype=np.int64)
    blocks = np.asarray(blocks)
    if blocks.shape not in (shape, shape[:1]):
        raise ValueError(f"blocks must have shape {shape[:1]} or {shape}, got {blocks.shape}")
    if blocks.dtype.kind == "f" and np.isnan(blocks).any():
        row = np.argwhere(np.isnan(blocks))[0][0]
        raise ValueError(f"blocks must be known, got NaN in row {row}")
    numbers = np.unique(blocks, return_inverse=True)[1].reshape(blocks.shape)
    return np.broadcast_to(numbers[:, None] if numbers.ndim == 1 else numbers, shape)
