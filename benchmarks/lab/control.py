"""Means with a part of their noise taken out by a control variate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Controlled:
    """Means with a part of their noise taken out; arrays of the shape of one repeat.

    Attributes
    ----------
    estimate : ndarray
        The mean, adjusted.
    coefficient : ndarray
        How much of the control is subtracted; 1 is a plain paired difference.
    variance_ratio : ndarray
        Variance of the adjusted mean over that of the plain one, within the sample: small where the
        control carries the noise. NaN with fewer than 3 repeats.
    """

    estimate: Array
    coefficient: Array
    variance_ratio: Array


def control_variate(values: ArrayLike, control: ArrayLike, control_mean: ArrayLike) -> Controlled:
    """Means of values, freed from the noise they share with a control whose mean is known better.

    mean(v) - b (mean(c) - E c) with b = cov(v, c) / var(c), the least variance of all b (Glasserman
    2003, section 4.1). In a study: values are the scores of a subset, the control is the score of
    another fit with the same seeds, known from more repeats.

    Parameters
    ----------
    values : array, shape (n_repeats, ...)
        Scores.
    control : array, shape (n_repeats, ...)
        The control in the same repeats; broadcast against the values.
    control_mean : array
        Its mean over more repeats than these.

    Raises
    ------
    ValueError
        If the repeats do not agree, or there are fewer than 3: the coefficient would fit the noise.
    """
    values, control = np.asarray(values, dtype=np.float64), np.asarray(control, dtype=np.float64)
    if values.ndim < 1 or control.ndim < 1 or len(values) != len(control) or len(values) < 3:
        raise ValueError(
            f"values and control must have the same repeats, at least 3, got {values.shape} and "
            f"{control.shape}"
        )
    values, control = np.broadcast_arrays(values, control)
    n = len(values)
    v, c = values - values.mean(axis=0), control - control.mean(axis=0)
    square = np.sum(c * c, axis=0)
    coefficient = np.sum(v * c, axis=0) / np.where(square > 0, square, np.inf)
    estimate = values.mean(axis=0) - coefficient * (control.mean(axis=0) - control_mean)
    plain = np.sum(v * v, axis=0) / (n - 1)
    left = np.sum((v - coefficient * c) ** 2, axis=0) / max(n - 2, 1)
    ratio = left / np.where(plain > 0, plain, np.nan)
    return Controlled(estimate, coefficient, ratio)
