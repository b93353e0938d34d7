"""Thousands of learning curves at once, each the best of several starts, and their bands."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from cotrain.curves._batch import BatchSolution, minimise_batch
from cotrain.curves._forms import CEILING, Form


@dataclass(frozen=True, eq=False)
class CurveFits:
    """Many curves of one form.

    Attributes
    ----------
    form : Form
    parameters : dict of str to ndarray, (n_curves,)
        Estimates by name, discounts per label; NaN where there is none.
    loss : ndarray, (n_curves,)
        Sum of squared errors.
    at_bound : dict of str to ndarray of bool, (n_curves,)
        Which parameters ended at a bound.
    converged : ndarray of bool, (n_curves,)
    reasons : tuple of str, (n_curves,)
        Why a curve has no estimate; empty where it has.
    """

    form: Form
    parameters: dict[str, np.ndarray]
    loss: np.ndarray
    at_bound: dict[str, np.ndarray]
    converged: np.ndarray
    reasons: tuple[str, ...]

    def predict(self, counts: np.ndarray) -> np.ndarray:
        """Each curve's scores at its own counts (n_curves, n, n_columns), (n_curves, n)."""
        return self.form.value(self.theta, np.asarray(counts, dtype=float))

    @property
    def theta(self) -> np.ndarray:
        """The parameters in the form's order, (n_curves, d)."""
        return np.stack([self.parameters[name] for name in self.form.parameters], axis=1)

    def exchange_rate(self, name: str) -> np.ndarray:
        """Own labels that one label behind the discount `name` is worth, (n_curves,).

        NaN where the own discount is at its bound: next to nothing is no unit to measure in.
        """
        own = self.parameters["a_own"]
        return np.where(self.at_bound["a_own"], np.nan, self.parameters[name] / own)


def fit_curves(
    counts: np.ndarray,
    scores: np.ndarray,
    form: Form,
    *,
    names: Sequence[str] | None = None,
    n_starts: int = 4,
    random_state: int | np.random.Generator = 0,
) -> CurveFits:
    """Learning curves fitted side by side by least squares, all parameters moving.

    Parameters
    ----------
    counts : ndarray, (n_curves, n, n_columns)
        Label counts of the form's columns; `others` are without the own and the auxiliary.
    scores : ndarray, (n_curves, n)
        NaN where unknown.
    form : Form
    names : sequence of str, optional
        What each curve is called in messages and reasons, "curve 0" and so on by default.
    n_starts : int
        Random starts; the lowest error wins.
    random_state : int or Generator

    Raises
    ------
    ValueError
        If the shapes do not fit, a count is not what the form is defined for, or a score is
        above the ceiling. A curve that cannot be fitted is NaN, with the reason.
    """
    counts, scores = np.asarray(counts, dtype=float), np.asarray(scores, dtype=float)
    labels = tuple(names) if names is not None else tuple(f"curve {i}" for i in range(len(scores)))
    _check(form, counts, scores, labels)
    reasons = _reasons(form, counts, scores, labels)
    fitted = np.flatnonzero([not reason for reason in reasons])
    theta = np.full((len(scores), form.n_parameters), np.nan)
    hits = np.zeros(theta.shape, dtype=bool)
    loss, converged = np.full(len(scores), np.nan), np.zeros(len(scores), dtype=bool)
    if fitted.size:
        rng, bounds = np.random.default_rng(random_state), form.bounds()
        known, scales = scores[fitted], form.scales(counts[fitted])
        scaled = counts[fitted] / scales[:, None, :]
        starts = random_starts(form, scaled, known, bounds, n_starts, rng)
        best = best_of([minimise_batch(form, scaled, known, s, bounds) for s in starts])
        theta[fitted], hits[fitted] = form.per_label(best.theta, scales), at_bounds(best, bounds)
        loss[fitted], converged[fitted] = best.loss, best.converged
    return CurveFits(
        form,
        dict(zip(form.parameters, theta.T, strict=True)),
        loss,
        dict(zip(form.parameters, hits.T, strict=True)),
        converged,
        reasons,
    )


def random_starts(
    form: Form,
    counts: np.ndarray,
    scores: np.ndarray,
    bounds: np.ndarray,
    n_starts: int,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Starts whose other parameters are random and whose first two are the best for them."""
    is_log, known = form.parameters[1] == "b", np.isfinite(scores)
    n_known = np.maximum(known.sum(axis=1), 1)
    mean_score = np.where(known, scores, 0.0).sum(axis=1) / n_known
    starts = []
    for draw in form.draws(n_starts, rng):
        theta = np.tile(draw, (len(scores), 1))
        theta[:, 1] = 0.0 if is_log else 1.0
        shape = np.where(known, form.shortfall(theta, counts), 0.0)
        mean_shape = shape.sum(axis=1) / n_known
        deviation = np.where(known, shape - mean_shape[:, None], 0.0)
        spread = np.maximum(np.square(deviation).sum(axis=1), 1e-300)
        slope = -(deviation * np.where(known, scores, 0.0)).sum(axis=1) / spread
        size = np.clip(slope, 1e-3, 10.0)
        theta[:, 0] = np.minimum(mean_score + size * mean_shape, bounds[1, 0])
        theta[:, 1] = np.log(size) if is_log else size
        starts.append(np.clip(theta, *bounds))
    return starts


def best_of(solutions: list[BatchSolution]) -> BatchSolution:
    """The solution of the least loss, problem by problem."""
    theta, loss, converged = (
        np.stack([getattr(solution, name) for solution in solutions])
        for name in ("theta", "loss", "converged")
    )
    best, at = np.argmin(loss, axis=0), np.arange(loss.shape[1])
    return BatchSolution(theta[best, at], loss[best, at], converged[best, at])


def at_bounds(solution: BatchSolution, bounds: np.ndarray) -> np.ndarray:
    """Which parameters (n_problems, d) lie at a bound."""
    slack = 1e-6 * (bounds[1] - bounds[0])
    return (solution.theta <= bounds[0] + slack) | (solution.theta >= bounds[1] - slack)


def count_different(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Number of different known values in each row."""
    ordered = np.sort(np.where(known, values, np.inf), axis=1)
    with np.errstate(invalid="ignore"):
        steps = np.diff(ordered, axis=1)
    return np.isfinite(ordered[:, 0]) + ((steps > 0) & np.isfinite(ordered[:, 1:])).sum(axis=1)


def _check(form: Form, counts: np.ndarray, scores: np.ndarray, names: tuple[str, ...]) -> None:
    n_columns = len(form.columns)
    if scores.ndim != 2 or counts.shape != (*scores.shape, n_columns):
        raise ValueError(
            f"counts must have the shape of scores and {n_columns} columns for {form.name}, "
            f"got {counts.shape} and {scores.shape}"
        )
    if len(names) != len(scores):
        raise ValueError(f"names must hold {len(scores)}, one a curve, got {len(names)}")
    known = np.isfinite(scores)
    defined = (counts >= form.min_count) & np.isfinite(counts)
    for wrong, rule in (
        (np.isinf(scores), "scores must be finite or NaN, got infinity"),
        (known & ~defined.all(axis=-1), f"counts must be at least {form.min_count}"),
        (known & (scores > CEILING), f"scores must not exceed the ceiling {CEILING:g}"),
    ):
        if wrong.any():
            curve = names[int(np.argwhere(wrong)[0, 0])]
            raise ValueError(f"{rule} for {form.name}, not so for {curve}")


def _reasons(
    form: Form, counts: np.ndarray, scores: np.ndarray, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Why each curve cannot be fitted, empty where it can."""
    known = np.isfinite(scores)
    # A random direction tells different rows apart, and sorts them.
    direction = np.random.default_rng(0).uniform(1.0, 2.0, size=len(form.columns))
    n_different = count_different(counts @ direction, known)
    reasons = [""] * len(scores)
    for at in np.flatnonzero(n_different < form.n_parameters):
        reasons[at] = (
            f"{names[at]}: {n_different[at]} different counts with a score, "
            f"{form.name} needs {form.n_parameters}"
        )
    for column, name in enumerate(form.columns):
        for at in np.flatnonzero(count_different(counts[..., column], known) < 2):
            reasons[at] = reasons[at] or f"{names[at]}: the count of {name} never changes"
    return tuple(reasons)


def curve_bands(
    fits: CurveFits, counts: np.ndarray, scores: np.ndarray, repeats: np.ndarray
) -> np.ndarray:
    """95 % intervals of curves at the counts that they were fitted to, (n_curves, n, 2): low, high.

    From the curvature of the squared error and the spread over whole repeats, whose scores share
    their noise (the sandwich of clustered errors, with Student's t of the repeats). A parameter at
    its bound is taken as known. NaN for a curve without estimate, and for fewer than two repeats.

    Parameters
    ----------
    fits : CurveFits
    counts : ndarray, (n_curves, n, n_columns)
    scores : ndarray, (n_curves, n)
        What the curves were fitted to; NaN where unknown.
    repeats : ndarray, (n,)
        Repeat of each score.
    """
    form, theta = fits.form, fits.theta
    fixed = np.stack([fits.at_bound[name] for name in form.parameters], axis=1)
    fitted = np.isfinite(theta).all(axis=1)
    jacobian = form.gradient(np.where(fitted[:, None], theta, 0.0), np.asarray(counts, dtype=float))
    jacobian = np.where(fixed[:, None, :], 0.0, jacobian)
    size = np.sqrt(np.square(jacobian).sum(axis=1, keepdims=True))
    jacobian = jacobian / np.where(size > 0, size, 1.0)
    predicted = fits.predict(counts)
    known = np.isfinite(scores) & fitted[:, None]
    residual = np.where(known, scores - predicted, 0.0)
    seen = np.where(known[..., None], jacobian, 0.0)
    inverse = np.linalg.pinv(seen.swapaxes(1, 2) @ seen, rcond=1e-10, hermitian=True)
    names = np.unique(repeats)
    member = (np.asarray(repeats)[:, None] == names).astype(float)
    pull = np.einsum("pnd,pn,nr->prd", seen, residual, member)
    factor = pull @ inverse @ jacobian.swapaxes(1, 2)  # (n_curves, repeats, n)
    n_repeats = (known @ member > 0).sum(axis=1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        sd = np.sqrt(np.square(factor).sum(axis=1) * n_repeats / (n_repeats - 1))
        half = stats.t.ppf(0.975, n_repeats - 1) * sd
    return np.stack([predicted - half, predicted + half], axis=2)
