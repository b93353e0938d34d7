"""Thousands of learning curves at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotrain.curves._forms import Bounds, Form, FormName, complete_bounds, get_form
from cotrain.curves._starts import fit_from_starts

COLUMNS = {1: ("own",), 2: ("own", "others"), 3: ("own", "auxiliary", "others")}


@dataclass(frozen=True, eq=False)
class CurveFits:
    """Many curves of one form.

    Attributes
    ----------
    form : str
    parameters : dict of str to ndarray, (n_curves,)
        Estimates by name, discounts per label; NaN where there is none.
    standard_errors : dict of str to ndarray, (n_curves,)
        From the curvature of the squared error, all parameters moving, residuals independent;
        infinite where the scores do not tell a parameter at all.
    loss : ndarray, (n_curves,)
        Sum of squared errors.
    at_bound : dict of str to ndarray of bool, (n_curves,)
        Which parameters ended at a bound.
    converged : ndarray of bool, (n_curves,)
    reasons : tuple of str, (n_curves,)
        Why a curve has no estimate; empty where it has.
    """

    form: FormName
    parameters: dict[str, np.ndarray]
    standard_errors: dict[str, np.ndarray]
    loss: np.ndarray
    at_bound: dict[str, np.ndarray]
    converged: np.ndarray
    reasons: tuple[str, ...]

    def predict(self, counts: np.ndarray) -> np.ndarray:
        """Each curve's scores at its own counts (n_curves, n, n_columns), (n_curves, n)."""
        form = get_form(self.form)
        theta = np.stack([self.parameters[name] for name in form.parameters], axis=1)
        return form.value(theta, np.asarray(counts, dtype=float))


def fit_curves(
    counts: np.ndarray,
    scores: np.ndarray,
    form: FormName = "exp3.1",
    *,
    names: Sequence[str] | None = None,
    bounds: Bounds | None = None,
    n_starts: int = 4,
    random_state: Any = 0,
) -> CurveFits:
    """Learning curves fitted side by side (EXP3.1 to EXP3.3: arXiv 2512.24866); forms in any case.

    Parameters
    ----------
    counts : ndarray, (n_curves, n, n_columns)
        Label counts: own; own and all others; or own, auxiliary and others without both.
    scores : ndarray, (n_curves, n)
        NaN where unknown.
    form : str
        P(n): exp3.1 is c − exp(b − a_own n_own); exp3.2 and exp3.3 have − a_others n_others and
        − a_auxiliary n_auxiliary in the exponent too; exp4 is c − exp(b − a n_own^alpha), ilog2
        c − a / log n_own, power c − a n_own^−alpha.
    names : sequence of str, optional
        What each curve is called in messages and reasons, "curve 0" and so on by default.
    bounds : mapping of str to (low, high), optional
        Bounds of parameters, where they are not to be the defaults. Discounts are bounded per
        largest count (a · max n). The upper bound of c is the ceiling of the score, 1 by default.
    n_starts : int
        Random starts; the lowest error wins.
    random_state : int or Generator

    Raises
    ------
    ValueError
        If the shapes do not fit, a count is not what the form is defined for, or a score is
        above the ceiling. A curve that cannot be fitted is NaN, with the reason.
    """
    shape = get_form(form)
    limits = complete_bounds(shape, bounds)
    counts, scores = np.asarray(counts, dtype=float), np.asarray(scores, dtype=float)
    labels = tuple(names) if names is not None else tuple(f"curve {i}" for i in range(len(scores)))
    _check_batch(shape, counts, scores, limits[1, 0], labels)
    reasons = _reasons(shape, counts, scores, labels)
    fitted = np.flatnonzero([not reason for reason in reasons])
    theta = np.full((len(scores), shape.n_parameters), np.nan)
    errors = theta.copy()
    hits = np.zeros(theta.shape, dtype=bool)
    loss, converged = np.full(len(scores), np.nan), np.zeros(len(scores), dtype=bool)
    if fitted.size:
        rng = np.random.default_rng(random_state)
        solution, hits[fitted] = fit_from_starts(
            shape, counts[fitted], scores[fitted], limits, n_starts, rng
        )
        theta[fitted] = solution.theta
        loss[fitted], converged[fitted] = solution.loss, solution.converged
        errors[fitted] = _standard_errors(
            shape, solution.theta, counts[fitted], scores[fitted], solution.loss
        )
    return CurveFits(
        form,
        dict(zip(shape.parameters, theta.T, strict=True)),
        dict(zip(shape.parameters, errors.T, strict=True)),
        loss,
        dict(zip(shape.parameters, hits.T, strict=True)),
        converged,
        reasons,
    )


def _check_batch(
    form: Form, counts: np.ndarray, scores: np.ndarray, ceiling: float, names: tuple[str, ...]
) -> None:
    if scores.ndim != 2 or counts.shape != (*scores.shape, form.n_columns):
        raise ValueError(
            f"counts must have the shape of scores and {form.n_columns} columns for {form.name}, "
            f"got {counts.shape} and {scores.shape}"
        )
    if len(names) != len(scores):
        raise ValueError(f"names must hold {len(scores)}, one a curve, got {len(names)}")
    known = np.isfinite(scores)
    if np.isinf(scores).any():
        at = int(np.argwhere(np.isinf(scores))[0, 0])
        raise ValueError(f"scores must be finite or NaN, got infinity for {names[at]}")
    wrong = known & ~((counts >= form.min_count) & np.isfinite(counts)).all(axis=-1)
    if wrong.any():
        at = int(np.argwhere(wrong)[0, 0])
        raise ValueError(
            f"counts must be at least {form.min_count} for {form.name}, not so for {names[at]}"
        )
    if (scores[known] > ceiling).any():
        at = int(np.argwhere(np.where(known, scores, -np.inf) > ceiling)[0, 0])
        raise ValueError(
            f"scores must not exceed the ceiling {ceiling:g}, got {np.nanmax(scores[at]):g} for "
            f"{names[at]}; set the upper bound of c in `bounds` for another score"
        )


def _reasons(
    form: Form, counts: np.ndarray, scores: np.ndarray, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Why each curve cannot be fitted, empty where it can."""
    known = np.isfinite(scores)
    # A random direction tells different rows apart, and sorts them.
    direction = np.random.default_rng(0).uniform(1.0, 2.0, size=form.n_columns)
    n_different = count_different(counts @ direction, known)
    reasons = [""] * len(scores)
    for at in np.flatnonzero(n_different < form.n_parameters):
        reasons[at] = (
            f"{names[at]}: {n_different[at]} different counts with a score, "
            f"{form.name} needs {form.n_parameters}"
        )
    for column, name in enumerate(COLUMNS[form.n_columns]):
        for at in np.flatnonzero(count_different(counts[..., column], known) < 2):
            reasons[at] = reasons[at] or f"{names[at]}: the count of {name} never changes"
    return tuple(reasons)


def _standard_errors(
    form: Form, theta: np.ndarray, counts: np.ndarray, scores: np.ndarray, loss: np.ndarray
) -> np.ndarray:
    known = np.isfinite(scores)
    jacobian = np.where(known[..., None], form.gradient(theta, counts), 0.0)
    size = np.sqrt(np.square(jacobian).sum(axis=1))
    unit = jacobian / np.where(size > 0, size, 1.0)[:, None, :]
    values, vectors = np.linalg.eigh(unit.swapaxes(1, 2) @ unit)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(values > 1e-12, 1.0 / values, np.inf)
        spread = np.where(np.square(vectors) > 1e-12, np.square(vectors), 0.0)
        scaled = np.where(spread > 0, spread * inverse[:, None, :], 0.0).sum(axis=2)
        degrees = np.maximum(known.sum(axis=1) - form.n_parameters, 1)
        return np.where(size > 0, np.sqrt(scaled * (loss / degrees)[:, None]) / size, np.inf)


def count_different(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Number of different known values in each row."""
    ordered = np.sort(np.where(known, values, np.inf), axis=1)
    with np.errstate(invalid="ignore"):
        steps = np.diff(ordered, axis=1)
    return np.isfinite(ordered[:, 0]) + ((steps > 0) & np.isfinite(ordered[:, 1:])).sum(axis=1)
