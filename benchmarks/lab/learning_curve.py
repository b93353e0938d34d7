"""One learning curve, fitted with SciPy."""

from typing import Any, Self

import numpy as np
from scipy import stats
from scipy.optimize import least_squares
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from cotrain.curves._batch import BatchSolution, minimise_batch
from cotrain.curves._forms import Form
from lab.curve_shapes import Bounds, FormName, complete_bounds, get_form
from lab.curve_stages import Stages, fit_staged, plan_stages


class LearningCurve(RegressorMixin, BaseEstimator):
    """A task's score as a function of label counts (EXP3.1 – EXP3.3: arXiv 2512.24866).

    ======  ==================================================  ================================
    form    P(n)                                                columns of X
    ======  ==================================================  ================================
    exp3.1  c − exp(b − a_own n_own)                            own
    exp3.2  c − exp(b − a_own n_own − a_others n_others)        own, all others
    exp3.3  c − exp(b − a_own n_own − a_auxiliary n_auxiliary   own, auxiliary, others without
            − a_others n_others)                                both
    exp4    c − exp(b − a n_own^alpha)                          own
    ilog2   c − a / log n_own                                   own
    power   c − a n_own^−alpha                                  own
    ======  ==================================================  ================================

    Parameters
    ----------
    form : str
        One of the forms above.
    stages : "paper", "joint" or sequence of sequences of str
        Which parameters move in which stage of the fit; the others stay. "joint" moves all at
        once. "paper" fits (c, b, a_own), then (c, a_others), then (a_auxiliary): what is frozen
        keeps its error, so that later parameters are biased and their intervals too narrow,
        unless single-task scores settle the first stage well.
    bounds : mapping of str to (low, high), optional
        Bounds of c, b, a_own, a_auxiliary, a_others, alpha and a, where they are not to be the
        defaults. Discounts are bounded per largest count (a · max n). The upper bound of c is the
        ceiling of the score, 1 by default.
    n_starts : int
        Random starts in each stage; the lowest error wins.
    n_bootstrap : int
        Refits behind the intervals.
    random_state : int, RandomState or None
        Seed of starts and bootstrap.

    Attributes
    ----------
    parameters_ : dict of str to float
        The estimate; discounts are per label.
    at_bound_ : tuple of str
        Parameters that ended at a bound: their values say little, and intervals are one-sided.
    converged_ : bool
        Whether the best start met the stopping rule.
    l2_error_ : float
        Square root of the summed squared errors.

    Examples
    --------
    >>> import numpy as np
    >>> n = np.array([[50.0], [100.0], [200.0], [400.0], [800.0]])
    >>> curve = LearningCurve("exp3.1", random_state=0).fit(n, 0.9 - np.exp(-1.5 - 0.005 * n[:, 0]))
    >>> {name: round(value, 4) for name, value in curve.parameters_.items()}
    {'c': 0.9, 'b': -1.5, 'a_own': 0.005}
    """

    def __init__(
        self,
        form: FormName = "exp3.1",
        *,
        stages: Stages | str = "joint",
        bounds: Bounds | None = None,
        n_starts: int = 6,
        n_bootstrap: int = 400,
        random_state: Any = None,
    ) -> None:
        self.form = form
        self.stages = stages
        self.bounds = bounds
        self.n_starts = n_starts
        self.n_bootstrap = n_bootstrap
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray, repeats: np.ndarray | None = None) -> Self:
        """Fit the curve.

        Parameters
        ----------
        X : ndarray, (n, 1 to 3)
            Label counts.
        y : ndarray, (n,)
            Scores, higher is better.
        repeats : ndarray, (n,), optional
            Which repeat each score comes from. Scores of one repeat share their noise, so that
            intervals are made by reweighting whole repeats. Without it, scores are taken to be
            independent.

        Raises
        ------
        ValueError
            If a score is unknown or above the ceiling, or the counts do not tell the parameters
            apart: too few, or a column that never changes.
        """
        form = get_form(self.form)
        bounds = complete_bounds(form, self.bounds)
        counts = check_counts(form, X)
        scores = check_scores(y, len(counts), ceiling=bounds[1, 0])
        check_identifiable(form, counts)
        if self.n_starts < 1:
            raise ValueError(f"n_starts must be at least 1, got {self.n_starts}")
        self.repeats_ = _check_repeats(repeats, len(scores))
        rng = _generator(self.random_state)
        solution = fit_staged(
            form, counts[None], scores[None], plan_stages(form, self.stages), bounds,
            _solve_with_scipy, self.n_starts, rng,
        )  # fmt: skip
        self.theta_ = solution.theta[0]
        self.parameters_ = dict(zip(form.parameters, self.theta_.tolist(), strict=True))
        hits = zip(form.parameters, solution.at_bound[0], strict=True)
        self.at_bound_ = tuple(name for name, hit in hits if hit)
        self.converged_ = bool(solution.converged[0])
        self.n_features_in_ = len(form.columns)
        self.counts_, self.scores_ = counts, scores
        self.l2_error_ = float(np.sqrt(np.square(scores - self.predict(counts)).sum()))
        self._bootstrap: np.ndarray | None = None
        self._bootstrap_seed = int(rng.integers(2**63))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The expected score at counts X (n, n_columns), (n,)."""
        check_is_fitted(self, "theta_")
        form = get_form(self.form)
        return form.value(self.theta_, check_counts(form, X))

    def interval(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """The interval of each parameter, by name, from bootstrap refits."""
        draws = self._draws()
        low, high = self._limits(draws, self.theta_, level)
        names = get_form(self.form).parameters
        return {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}

    def predict_interval(self, X: np.ndarray, level: float = 0.95) -> np.ndarray:
        """The interval of the expected score at counts X, (n, 2): low, high."""
        draws = self._draws()
        form = get_form(self.form)
        counts = check_counts(form, X)
        low, high = self._limits(form.value(draws, counts), self.predict(counts), level)
        return np.stack([low, np.minimum(high, complete_bounds(form, self.bounds)[1, 0])], axis=1)

    def _draws(self) -> np.ndarray:
        """Parameters of the bootstrap refits, (n_bootstrap, d); computed when first asked for."""
        check_is_fitted(self, "theta_")
        if self._bootstrap is None:
            form = get_form(self.form)
            rng = np.random.default_rng(self._bootstrap_seed)
            scores = self._resampled_scores(rng)
            solution = fit_staged(
                form, np.broadcast_to(self.counts_, (len(scores), *self.counts_.shape)), scores,
                plan_stages(form, self.stages), complete_bounds(form, self.bounds),
                minimise_batch, 0, rng, initial=np.tile(self.theta_, (len(scores), 1)),
            )  # fmt: skip
            self._bootstrap = solution.theta
        return self._bootstrap

    def _resampled_scores(self, rng: np.random.Generator) -> np.ndarray:
        """The fitted curve with resampled residuals, (n_bootstrap, n)."""
        fitted = self.predict(self.counts_)
        residuals = self.scores_ - fitted
        n = len(residuals)
        if self.repeats_ is None:
            residuals = residuals * np.sqrt(n / self._degrees_of_freedom())
            picked = rng.integers(n, size=(self.n_bootstrap, n))
            return fitted + residuals[picked]
        # Whole repeats get one random sign and size each (wild cluster bootstrap, Webb weights).
        n_repeats = self.repeats_.max() + 1
        points = np.sqrt([0.5, 1.0, 1.5])
        weights = rng.choice(np.r_[-points, points], size=(self.n_bootstrap, n_repeats))
        weights *= np.sqrt(n_repeats / (n_repeats - 1))
        return fitted + residuals * weights[:, self.repeats_]

    def _degrees_of_freedom(self) -> int:
        if self.repeats_ is not None:
            return int(self.repeats_.max())
        return max(1, len(self.scores_) - len(self.theta_))

    def _limits(
        self, draws: np.ndarray, estimate: np.ndarray, level: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Percentile limits, widened as Student's t is against the normal at few repeats."""
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, got {level}")
        tail = (1 - level) / 2
        widen = stats.t.ppf(1 - tail, self._degrees_of_freedom()) / stats.norm.ppf(1 - tail)
        low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
        return (
            estimate - widen * np.maximum(estimate - low, 0.0),
            estimate + widen * np.maximum(high - estimate, 0.0),
        )


def _solve_with_scipy(
    form: Form,
    counts: np.ndarray,
    scores: np.ndarray,
    start: np.ndarray,
    bounds: np.ndarray,
) -> BatchSolution:
    known, bounds = np.isfinite(scores[0]), bounds[:, 0]
    free = bounds[0] < bounds[1]
    x, y, theta = counts[0][known], scores[0][known], start[0].copy()

    def moved(part: np.ndarray) -> np.ndarray:
        whole = theta.copy()
        whole[free] = part
        return whole

    # SciPy wants the start inside its bounds, not on them.
    inset = 1e-8 * (bounds[1] - bounds[0])
    first = np.clip(theta, bounds[0] + inset, bounds[1] - inset)[free]
    with np.errstate(over="ignore"):
        result = least_squares(
            lambda part: form.value(moved(part), x) - y,
            first,
            jac=lambda part: form.gradient(moved(part), x)[:, free],
            bounds=bounds[:, free],
            xtol=1e-12, ftol=1e-12, gtol=1e-12, max_nfev=500,
        )  # fmt: skip
    best = moved(result.x)
    return BatchSolution(best[None], np.array([2 * result.cost]), np.array([result.status > 0]))


def _check_repeats(repeats: np.ndarray | None, n: int) -> np.ndarray | None:
    if repeats is None:
        return None
    names, index = np.unique(np.asarray(repeats), return_inverse=True)
    if index.shape != (n,):
        raise ValueError(f"repeats must have shape ({n},), one a score, got {index.shape}")
    if len(names) < 2:
        raise ValueError(
            "repeats must hold at least 2 different ones, got 1; leave repeats out to take the "
            "scores as independent"
        )
    return index


def _generator(random_state: Any) -> np.random.Generator:
    """A generator seeded by scikit-learn's rules."""
    return np.random.default_rng(check_random_state(random_state).randint(2**31))


def check_counts(form: Form, X: np.ndarray) -> np.ndarray:
    """Label counts as float, (n, n_columns).

    Raises
    ------
    ValueError
        If the shape is another, or a count is not finite or below what the form is defined for.
    """
    counts = np.asarray(X, dtype=float)
    if counts.ndim != 2 or counts.shape[1] != len(form.columns):
        names = ", ".join(form.columns)
        raise ValueError(
            f"X must have shape (n, {len(form.columns)}) for {form.name} (counts: {names}), "
            f"got {counts.shape}"
        )
    wrong = ~(counts >= form.min_count) | ~np.isfinite(counts)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"X must hold counts of at least {form.min_count} for {form.name}, "
            f"got {counts[row, column]:g} in row {row}, column {column}"
        )
    return counts


def check_scores(y: np.ndarray, n: int, ceiling: float) -> np.ndarray:
    """Scores as float, (n,).

    Raises
    ------
    ValueError
        If there are not n, or one is unknown, infinite or above the ceiling.
    """
    scores = np.asarray(y, dtype=float)
    if scores.shape != (n,):
        raise ValueError(f"y must have shape ({n},), one score a row of X, got {scores.shape}")
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise ValueError(
            f"y must be finite, got {scores[row]} in row {row}; leave rows without a score out"
        )
    if (scores > ceiling).any():
        row = int(np.argmax(scores))
        raise ValueError(
            f"y must not exceed the ceiling {ceiling:g}, got {scores[row]:g} in row {row}; "
            "set the upper bound of c in `bounds` for another score"
        )
    return scores


def check_identifiable(form: Form, counts: np.ndarray) -> None:
    """Refuse counts that cannot tell the form's parameters apart.

    Raises
    ------
    ValueError
        If there are fewer different rows than parameters, or a column never changes.
    """
    if reason := why_unidentifiable(form, counts):
        raise ValueError(reason)


def why_unidentifiable(form: Form, counts: np.ndarray) -> str:
    """Why counts (n, n_columns) cannot tell the form's parameters apart; empty if they can."""
    if len(counts) < form.n_parameters:
        return (
            f"X must have at least {form.n_parameters} rows for {form.name}, got {len(counts)}; "
            "add levels or repeats, or choose a form with fewer parameters"
        )
    for column, name in enumerate(form.columns):
        if np.ptp(counts[:, column]) == 0:
            return (
                f"X must hold different counts in column {column} ({name}), got "
                f"{counts[0, column]:g} in every row; add another level"
            )
    n_different = len(np.unique(counts, axis=0))
    if n_different < form.n_parameters:
        return (
            f"X must hold at least {form.n_parameters} different rows of counts for {form.name}, "
            f"got {n_different}; add levels, or choose a form with fewer parameters"
        )
    return ""
