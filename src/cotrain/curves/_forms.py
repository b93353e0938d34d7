"""A learning curve's shape: P(n) = c − exp(b − a·n), a ceiling and a shortfall that shrinks."""

from dataclasses import dataclass

import numpy as np

CEILING = 1.0
"""The highest score there is; for a loss, give 1 − loss."""


@dataclass(frozen=True)
class Form:
    """EXP3.1 and EXP3.2 of arXiv 2512.24866, one parameter c, b and one discount for each column.

    Parameter vectors are (..., d), counts (..., n, n_columns); leading axes broadcast, so that one
    function serves one curve and thousands. c comes first, and what sets the size of the shortfall
    second. Another shape overrides the methods.
    """

    name: str
    columns: tuple[str, ...]  # what the counts are of
    parameters: tuple[str, ...]  # (d,)
    min_count: int = 0  # the smallest count at which the form is defined

    @property
    def n_parameters(self) -> int:
        return len(self.parameters)

    def bounds(self) -> np.ndarray:
        """Lower and upper bound of each parameter, for counts divided by `scales`, (2, d).

        A discount of 60 means that the shortfall is gone long before the first level.
        """
        limits = {"c": (CEILING - 2, CEILING), "b": (-12.0, 3.0), "a_own": (1e-4, 60.0)}
        return np.array([limits.get(name, (-60.0, 60.0)) for name in self.parameters]).T

    def shortfall(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """How far below its asymptote the score is, (..., n)."""
        return np.exp(theta[..., 1:2] - np.einsum("...np,...p->...n", counts, theta[..., 2:]))

    def value(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The score at these counts, (..., n)."""
        return theta[..., :1] - self.shortfall(theta, counts)

    def gradient(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Derivatives of the score by the parameters, (..., n, d)."""
        short = self.shortfall(theta, counts)
        gradient = np.empty((*short.shape, self.n_parameters))
        gradient[..., 0] = 1.0
        gradient[..., 1] = -short
        gradient[..., 2:] = short[..., None] * counts
        return gradient

    def scales(self, counts: np.ndarray) -> np.ndarray:
        """What each column of counts is divided by while fitting, (..., n_columns)."""
        largest = counts.max(axis=-2)
        return np.where(largest > 0, largest, 1.0)

    def per_label(self, theta: np.ndarray, scales: np.ndarray) -> np.ndarray:
        """Parameters for counts in labels, from those for counts divided by `scales`."""
        theta = theta.copy()
        theta[..., 2:] /= scales
        return theta

    def draws(self, n_starts: int, rng: np.random.Generator) -> np.ndarray:
        """Starts of all but the first two parameters, which follow from them, (n_starts, d)."""
        draws = np.exp(rng.uniform(np.log(0.3), np.log(20.0), size=(n_starts, self.n_parameters)))
        draws[:1] = 2.0
        for column in range(3, self.n_parameters):  # discounts of other tasks may be negative
            draws[:, column] = rng.normal(scale=0.5, size=n_starts)
            draws[:1, column] = 0.0
        return draws


EXP31 = Form("exp3.1", ("own",), ("c", "b", "a_own"))
EXP32 = Form("exp3.2", ("own", "others"), ("c", "b", "a_own", "a_others"))
