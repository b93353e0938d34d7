"""Where the next labels pay most."""

from dataclasses import dataclass

import numpy as np

from cotrain.curves._transfer import TransferModel


@dataclass(frozen=True, eq=False)
class LabelWorth:
    """What labels of one task alone do to the mean score, for each task.

    Attributes
    ----------
    gain : ndarray, (K,)
        Expected gain in the mean score over tasks.
    low, high : ndarray, (K,)
        Ends of its interval.
    """

    gain: np.ndarray
    low: np.ndarray
    high: np.ndarray


def label_worth(
    model: TransferModel, counts: np.ndarray, n_labels: int, level: float = 0.95
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
    start, shares = np.asarray(counts, dtype=float), np.ones(n_tasks) / n_tasks
    gain, half = np.empty((2, n_tasks))
    for task, labels in enumerate(n_labels * np.eye(n_tasks)):
        rise = np.diff(model.predict(np.stack([start, start + labels])), axis=0)[0]
        gain[task] = shares @ rise
        reach = shares * model.gain_reach(start, start + labels, level)
        # What the other targets take is drawn to one common mean, whose error they share.
        half[task] = np.hypot(reach[task], reach.sum() - reach[task])
    return LabelWorth(gain, gain - half, gain + half)
