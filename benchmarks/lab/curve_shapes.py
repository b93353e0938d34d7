"""Other shapes of a learning curve, by name."""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from cotrain.curves._forms import EXP31, EXP32, Form

FormName = Literal["exp3.1", "exp3.2", "exp3.3", "exp4", "ilog2", "power"]
Bounds = Mapping[str, tuple[float, float]]
_LIMITS: Bounds = {"alpha": (0.05, 5.0), "a": (0.0, 20.0)}


class _OneColumn(Form):
    def bounds(self) -> np.ndarray:
        known = super().bounds().T
        pairs = zip(self.parameters, known, strict=True)
        return np.array([_LIMITS.get(name, pair) for name, pair in pairs]).T

    def draws(self, n_starts: int, rng: np.random.Generator) -> np.ndarray:
        draws = np.exp(rng.uniform(np.log(0.3), np.log(20.0), size=(n_starts, self.n_parameters)))
        draws[:1] = 2.0
        if self.parameters[-1] == "alpha":
            draws[:, -1] = np.exp(rng.uniform(np.log(0.2), np.log(2.0), size=n_starts))
            draws[:1, -1] = 0.5
        return draws


class _Exp4(_OneColumn):
    """P = c − exp(b − a n^alpha)."""

    def shortfall(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        powered = counts[..., 0] ** theta[..., 3:4]
        return np.asarray(np.exp(theta[..., 1:2] - theta[..., 2:3] * powered))

    def gradient(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        own, short = counts[..., 0], self.shortfall(theta, counts)
        powered = own ** theta[..., 3:4]
        log = np.log(np.where(own > 0, own, 1.0))  # n^alpha log n has the limit 0
        by_alpha = short * theta[..., 2:3] * powered * log
        return np.stack([np.ones_like(short), -short, short * powered, by_alpha], axis=-1)

    def per_label(self, theta: np.ndarray, scales: np.ndarray) -> np.ndarray:
        theta = theta.copy()
        theta[..., 2] /= scales[..., 0] ** theta[..., 3]
        return theta


class _Power(_OneColumn):
    """P = c − a n^−alpha."""

    def shortfall(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        return np.asarray(theta[..., 1:2] * counts[..., 0] ** -theta[..., 2:3])

    def gradient(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        own, short = counts[..., 0], self.shortfall(theta, counts)
        by_size = -(own ** -theta[..., 2:3])
        return np.stack([np.ones_like(short), by_size, short * np.log(own)], axis=-1)

    def per_label(self, theta: np.ndarray, scales: np.ndarray) -> np.ndarray:
        theta = theta.copy()
        theta[..., 1] *= scales[..., 0] ** theta[..., 2]
        return theta


class _Ilog2(_OneColumn):
    """P = c − a / log n; the logarithm has no scale to take out."""

    def shortfall(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        return np.asarray(theta[..., 1:2] / np.log(counts[..., 0]))

    def gradient(self, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
        short = self.shortfall(theta, counts)
        return np.stack([np.ones_like(short), -1.0 / np.log(counts[..., 0]) + 0 * short], axis=-1)

    def scales(self, counts: np.ndarray) -> np.ndarray:
        return np.ones_like(counts.max(axis=-2))

    def per_label(self, theta: np.ndarray, scales: np.ndarray) -> np.ndarray:  # noqa: ARG002
        return theta.copy()


EXP33 = Form(
    "exp3.3", ("own", "auxiliary", "others"), ("c", "b", "a_own", "a_auxiliary", "a_others")
)
FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        EXP31,
        EXP32,
        EXP33,
        _Exp4("exp4", ("own",), ("c", "b", "a", "alpha")),
        _Ilog2("ilog2", ("own",), ("c", "a"), 2),
        _Power("power", ("own",), ("c", "a", "alpha"), 1),
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
    """Lower and upper bound of each parameter of `form`, (2, d): its own where none is given.

    Raises
    ------
    ValueError
        If `bounds` names a parameter that no form has, or a pair is not ascending.
    """
    given = dict(bounds or {})
    every = sorted({name for one in FORMS.values() for name in one.parameters})
    if unknown := sorted(set(given) - set(every)):
        raise ValueError(
            f"bounds must name parameters among {', '.join(every)}, got {unknown[0]!r}"
        )
    for name, (low, high) in given.items():
        if not low < high:
            raise ValueError(f"bounds[{name!r}] must be (low, high) with low < high")
    own = zip(form.parameters, form.bounds().T, strict=True)
    return np.array([given.get(name, pair) for name, pair in own], dtype=float).T
