"""The shapes of a learning curve: P(n) = c − B g(n), a ceiling and a shortfall that shrinks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

FormName = Literal["exp3.1", "exp3.2", "exp3.3", "exp4", "ilog2", "power"]
Bounds = Mapping[str, tuple[float, float]]

# Discounts are bounded per largest count (a · max n), so that bounds do not depend on how many
# labels there are: 60 means that the shortfall is gone long before the first level.
DEFAULT_BOUNDS: Bounds = {
    "c": (-1.0, 1.0),
    "b": (-12.0, 3.0),
    "a_own": (1e-4, 60.0),
    "a_auxiliary": (-60.0, 60.0),
    "a_others": (-60.0, 60.0),
    "alpha": (0.05, 5.0),
    "a": (0.0, 20.0),
}


@dataclass(frozen=True)
class Form:
    """A curve P(n) = c − B g(n) with its named parameters, in the order of the vectors here.

    Parameter vectors are (..., d), counts (..., n, n_columns); leading axes broadcast, so that one
    function serves one curve and thousands. c comes first and the one that sets B second.
    """

    name: FormName
    parameters: tuple[str, ...]  # (d,)
    n_columns: int  # columns of counts: own; own and others; or own, auxiliary and others
    min_count: int  # the smallest count at which the form is defined

    @property
    def n_parameters(self) -> int:
        return len(self.parameters)

    @property
    def is_exponential(self) -> bool:
        """Whether B = exp(b) and g = exp(−a·n): the forms that are fitted in stages."""
        return self.name.startswith("exp3")

    def shortfall(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """B g(n): how far below its asymptote the score is, (..., n)."""
        if self.is_exponential:
            return np.exp(theta[..., 1:2] - np.einsum("...np,...p->...n", counts, theta[..., 2:]))
        own = counts[..., 0]
        if self.name == "exp4":
            powered = own ** theta[..., 3:4]
            return np.exp(theta[..., 1:2] - theta[..., 2:3] * powered)
        if self.name == "power":
            return theta[..., 1:2] * own ** -theta[..., 2:3]
        return theta[..., 1:2] / np.log(own)

    def value(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The score at these counts, (..., n)."""
        return theta[..., :1] - self.shortfall(theta, counts)

    def gradient(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Derivatives of the score by the parameters, (..., n, d)."""
        short = self.shortfall(theta, counts)
        gradient = np.empty((*short.shape, self.n_parameters))
        gradient[..., 0] = 1.0
        if self.is_exponential:
            gradient[..., 1] = -short
            gradient[..., 2:] = short[..., None] * counts
            return gradient
        own = counts[..., 0]
        if self.name == "exp4":
            powered = own ** theta[..., 3:4]
            gradient[..., 1] = -short
            gradient[..., 2] = short * powered
            gradient[..., 3] = short * theta[..., 2:3] * powered * _log_or_zero(own)
        elif self.name == "power":
            gradient[..., 1] = -(own ** -theta[..., 2:3])
            gradient[..., 2] = short * np.log(own)
        else:
            gradient[..., 1] = -1.0 / np.log(own)
        return gradient


FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form("exp3.1", ("c", "b", "a_own"), 1, 0),
        Form("exp3.2", ("c", "b", "a_own", "a_others"), 2, 0),
        Form("exp3.3", ("c", "b", "a_own", "a_auxiliary", "a_others"), 3, 0),
        Form("exp4", ("c", "b", "a", "alpha"), 1, 0),
        Form("ilog2", ("c", "a"), 1, 2),
        Form("power", ("c", "a", "alpha"), 1, 1),
    )
}


def get_form(name: str) -> Form:
    """The form of this name, in any case: "EXP3.1" is "exp3.1".

    Raises
    ------
    ValueError
        If there is none.
    """
    if name.lower() not in FORMS:
        raise ValueError(f"form must be one of {', '.join(get_args(FormName))}, got {name!r}")
    return FORMS[name.lower()]


def complete_bounds(form: Form, bounds: Bounds | None) -> np.ndarray:
    """Lower and upper bound of each parameter of `form`, (2, d): the defaults where none is given.

    Raises
    ------
    ValueError
        If `bounds` names a parameter that no form has, or a pair is not ascending.
    """
    given = dict(bounds or {})
    if unknown := sorted(set(given) - set(DEFAULT_BOUNDS)):
        raise ValueError(
            f"bounds must name parameters among {', '.join(DEFAULT_BOUNDS)}, got {unknown[0]!r}"
        )
    pairs = {**DEFAULT_BOUNDS, **given}
    for name, (low, high) in pairs.items():
        if not low < high:
            raise ValueError(f"bounds[{name!r}] must be (low, high) with low < high")
    return np.array([pairs[name] for name in form.parameters], dtype=float).T


def count_scales(form: Form, counts: np.ndarray) -> np.ndarray:
    """What each column of counts is divided by while fitting, (..., n_columns).

    ILOG2 is fitted to the counts as they are: the logarithm has no scale to take out.
    """
    largest = counts.max(axis=-2)
    if form.name == "ilog2":
        return np.ones_like(largest)
    return np.where(largest > 0, largest, 1.0)


def per_label(form: Form, theta: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Parameters for counts in labels, from those for counts divided by `scales`."""
    theta = theta.copy()
    if form.is_exponential:
        theta[..., 2:] /= scales
    elif form.name == "exp4":
        theta[..., 2] /= scales[..., 0] ** theta[..., 3]
    elif form.name == "power":
        theta[..., 1] *= scales[..., 0] ** theta[..., 2]
    return theta


def _log_or_zero(counts: np.ndarray) -> np.ndarray:
    """The logarithm, and 0 at n = 0, where n^alpha log n has the limit 0."""
    return np.log(np.where(counts > 0, counts, 1.0))
