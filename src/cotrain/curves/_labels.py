"""Where the next labels pay most."""

from dataclasses import dataclass

import numpy as np

from cotrain.curves._transfer import TransferModel


@dataclass(frozen=True, eq=False)
class LabelWorth:
    """What labels of one task alone do to the weighted mean score, for each task.

    Attributes
    ----------
    gain : ndarray, (K,)
        Expected gain in the weighted mean score over tasks.
    low, high : ndarray, (K,)
        Ends of its interval.
    """

    gain: np.ndarray
    low: np.ndarray
    high: np.ndarray


def label_worth(
    model: TransferModel,
    counts: np.ndarray,
    n_labels: int,
    *,
    weights: np.ndarray | None = None,
    level: float = 0.95,
) -> LabelWorth:
    """What `n_labels` more of each task, one task at a time, are expected to bring.

    Parameters
    ----------
    model : TransferModel
        Fitted.
    counts : ndarray, (K,)
        Labels at hand.
    n_labels : int
        Labels to add of one task.
    weights : ndarray, (K,), optional
        What a task's score counts for; equal by default.
    level : float
        Level of the intervals.

    Raises
    ------
    ValueError
        If `n_labels` is not positive, or a shape does not fit.
    """
    if n_labels < 1:
        raise ValueError(f"n_labels must be at least 1, got {n_labels}")
    n_tasks = len(model.asymptotes_)
    start, shares = vector_of("counts", counts, n_tasks), shares_of(weights, n_tasks)
    gain, half = np.empty((2, n_tasks))
    for task, labels in enumerate(n_labels * np.eye(n_tasks)):
        gain[task] = expected_gain(model, start, start + labels, shares, level)[1]
        reach = shares * model.gain_reach(start, start + labels, level)
        # What the other targets take is drawn to one common mean, whose error they share.
        half[task] = np.hypot(reach[task], reach.sum() - reach[task])
    return LabelWorth(gain, gain - half, gain + half)


def expected_gain(
    model: TransferModel, before: np.ndarray, after: np.ndarray, shares: np.ndarray, level: float
) -> tuple[np.ndarray, float, float]:
    """Each task's gain (K,), the weighted mean gain, and half the width of its interval."""
    gain = np.diff(model.predict(np.stack([before, after])), axis=0)[0]
    half = model.gain_reach(before, after, level)
    return gain, float(shares @ gain), float(np.sqrt(np.square(shares) @ np.square(half)))


def shares_of(weights: np.ndarray | None, n_tasks: int) -> np.ndarray:
    """Weights that sum to 1, (K,)."""
    shares = vector_of("weights", np.ones(n_tasks) if weights is None else weights, n_tasks)
    if shares.sum() == 0:
        raise ValueError("weights must hold one above 0")
    return shares / shares.sum()


def vector_of(name: str, values: np.ndarray, n: int) -> np.ndarray:
    vector = np.asarray(values, dtype=float)
    if vector.shape != (n,) or not (vector >= 0).all() or not np.isfinite(vector).all():
        raise ValueError(f"{name} must hold {n} numbers of at least 0, got {values}")
    return vector
