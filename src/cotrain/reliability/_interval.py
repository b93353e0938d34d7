from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its interval; arrays of one shape, NaN where unknown.

    Attributes
    ----------
    estimate, low, high : ndarray
        In units of the score.
    p_value : ndarray
        Two-sided, of a true value of 0.
    n : ndarray of int
        Number of values behind each estimate.
    confidence : float
        Of each interval by itself.
    """

    estimate: Array
    low: Array
    high: Array
    p_value: Array
    n: NDArray[np.int64]
    confidence: float


def paired_interval(
    differences: ArrayLike,
    *,
    without: ArrayLike | None = None,
    method: Literal["t", "bootstrap"] = "t",
    confidence: float = 0.95,
    n_bootstrap: int = 1000,
    random_state: int = 0,
) -> Interval:
    """Mean difference over repeats with its interval, for each column.

    Parameters
    ----------
    differences : array, shape (n_repeats, ...)
        Differences between two fits of the same repeat; NaN where one is missing.
    without : array, shape (n_parts, ...) or None
        Mean differences over repeats with one of several equal parts of the scored examples left
        out each. The interval then counts examples beside repeats: the variance of the grouped
        jackknife (Shao and Tu 1995, section 2.3) is added, and degrees of freedom are
        Satterthwaite's. Only for t.
    method : {"t", "bootstrap"}
        Student's t, or the bootstrap's BCa interval over repeats. The p-value is Student's in
        both. Fewer than about ten repeats are too few for a bootstrap; t is then the honest one.
    confidence : float
        Between 0 and 1.
    n_bootstrap : int
        Draws of the bootstrap.
    random_state : int
        Seed of the bootstrap.

    Returns
    -------
    Interval
        Arrays of the shape of one repeat; ends and p-value are NaN below two values.

    Raises
    ------
    ValueError
        If an argument is out of its range or a difference is infinite.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim < 1 or len(values) < 1:
        raise ValueError(f"differences must hold at least one repeat, got shape {values.shape}")
    if np.isinf(values).any():
        raise ValueError("differences must be finite, or NaN where missing, got inf")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    if method not in ("t", "bootstrap"):
        raise ValueError(f'method must be "t" or "bootstrap", got {method!r}')
    if without is not None and method != "t":
        raise ValueError('`without` needs the method "t"')
    shape = values.shape[1:]
    columns = values.reshape(len(values), -1)
    known = ~np.isnan(columns)
    n = known.sum(axis=0)
    mean = np.where(known, columns, 0.0).sum(axis=0) / np.where(n > 0, n, np.nan)
    square = np.where(known, columns - mean, 0.0) ** 2
    variance = square.sum(axis=0) / np.where(n > 1, n - 1, np.nan) / np.maximum(n, 1)
    dof = np.maximum(n - 1, 1).astype(np.float64)
    if without is not None:
        variance, dof = _with_examples(variance, dof, np.asarray(without, dtype=np.float64), shape)
    error = np.sqrt(variance)
    if method == "t":
        reach = stats.t.ppf(0.5 + confidence / 2, dof) * error
        low, high = mean - reach, mean + reach
    else:
        low, high = _bootstrap(columns, known, n, confidence, n_bootstrap, random_state)
    # No spread at all but for rounding: certain, unless the difference is 0.
    error = np.where(error <= 1e-14 * np.abs(mean), 0.0, error)
    ratio = np.abs(mean) / np.where(error > 0, error, np.nan)
    p_value = np.where(error == 0, np.where(mean == 0, 1.0, 0.0), 2 * stats.t.sf(ratio, dof))
    estimate, low, high, p_value = (
        part.reshape(shape) for part in (mean, low, high, np.where(n > 1, p_value, np.nan))
    )
    return Interval(estimate, low, high, p_value, n.reshape(shape), confidence)


def _with_examples(
    variance: Array, dof: Array, without: Array, shape: tuple[int, ...]
) -> tuple[Array, Array]:
    """Variances and degrees of freedom with those of the grouped jackknife added."""
    n_parts = len(without)
    if n_parts < 2 or without.shape[1:] != shape:
        raise ValueError(f"without must have shape (n_parts >= 2, *{shape}), got {without.shape}")
    columns = without.reshape(n_parts, -1)
    added = (n_parts - 1) / n_parts * ((columns - columns.mean(axis=0)) ** 2).sum(axis=0)
    total = variance + added
    spread = variance**2 / dof + added**2 / (n_parts - 1)
    return total, np.where(spread > 0, total**2 / np.where(spread > 0, spread, 1.0), dof)


def _bootstrap(
    columns: Array,
    known: NDArray[np.bool_],
    n: NDArray[np.int64],
    confidence: float,
    n_bootstrap: int,
    seed: int,
) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    ends = np.full((2, columns.shape[1]), np.nan)
    for column in np.flatnonzero(n > 1):
        sample = columns[known[:, column], column]
        if np.ptp(sample) == 0:  # scipy's BCa is undefined without spread
            ends[:, column] = sample[0]
            continue
        result = stats.bootstrap(
            (sample,),
            np.mean,
            n_resamples=n_bootstrap,
            confidence_level=confidence,
            method="BCa",
            rng=rng,
        )
        ends[:, column] = result.confidence_interval
    return ends[0], ends[1]
