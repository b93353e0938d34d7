"""Label acquisition round by round: strategies, and a simulation that plays them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cotrain.curves._labels import recommend_labels, round_plan
from cotrain.curves._many import fit_curves
from cotrain.curves._transfer import TransferModel


@dataclass(frozen=True, eq=False)
class LabelState:
    """What a strategy knows when it chooses.

    Attributes
    ----------
    N, Y : ndarray, (n_fits, K)
        Counts and scores of the fits so far; NaN where unknown.
    counts : ndarray, (K,)
        Labels at hand.
    available : ndarray, (K,)
        Labels that can still be had.
    budget : int
        Labels to acquire now.
    model : TransferModel
        To be fitted by strategies that use one.
    repeats : ndarray, (n_fits,), optional
        Repeat of each fit, if they have different evaluation labels.
    """

    N: np.ndarray
    Y: np.ndarray
    counts: np.ndarray
    available: np.ndarray
    budget: int
    model: TransferModel
    repeats: np.ndarray | None = None


Strategy = Callable[[LabelState], np.ndarray]


@dataclass(frozen=True, eq=False)
class LabelPath:
    """One strategy's course: labels at hand (rounds + 1, K) and scores (rounds + 1, K)."""

    counts: np.ndarray
    scores: np.ndarray

    @property
    def gain_per_label(self) -> float:
        """Gain in mean score over all rounds, per label acquired, over tasks known throughout."""
        known = np.isfinite(self.scores).all(axis=0)
        gain = self.scores[-1, known].mean() - self.scores[0, known].mean()
        return float(gain / (self.counts[-1] - self.counts[0]).sum())


def uniform(state: LabelState) -> np.ndarray:
    """The same number of labels for each task."""
    return _share(np.ones_like(state.counts), state)


def proportional(state: LabelState) -> np.ndarray:
    """Labels in proportion to those that can be had."""
    return _share(state.available, state)


def by_own_curves(state: LabelState) -> np.ndarray:
    """Labels where each task's own EXP3.1 curve rises most: others' labels are worth nothing."""
    fits = fit_curves(state.N.T[:, :, None], np.where(state.N > 0, state.Y, np.nan).T, "exp3.1")
    own = np.nan_to_num(fits.parameters["a_own"])
    short = np.exp(np.nan_to_num(fits.parameters["b"], nan=-np.inf) - own * state.counts)
    return _climb(lambda labels: own * short * np.exp(-own * labels), state)


def by_uncertainty(state: LabelState) -> np.ndarray:
    """Labels in proportion to how unsure the transfer model is of each task's score."""
    model = _fitted(state)
    return _share(np.sqrt(model.predict_variance(state.counts[None])[0]), state)


def by_transfer(state: LabelState) -> np.ndarray:
    """The plan that the transfer model recommends."""
    plan = recommend_labels(_fitted(state), state.counts, state.budget, available=state.available)
    return plan.labels


STRATEGIES: Mapping[str, Strategy] = {
    "uniform": uniform,
    "proportional": proportional,
    "own curves": by_own_curves,
    "uncertainty": by_uncertainty,
    "transfer model": by_transfer,
}


def simulate_acquisition(
    score: Callable[[np.ndarray], np.ndarray],
    strategy: Strategy,
    N: np.ndarray,
    Y: np.ndarray,
    counts: np.ndarray,
    available: np.ndarray,
    budget: int,
    n_rounds: int,
    *,
    model: TransferModel | None = None,
) -> LabelPath:
    """The course of one strategy, every round's fit added to what it knows.

    Parameters
    ----------
    score : callable, counts (K,) -> scores (K,)
        Trains, or looks up, the fit of all tasks at these counts; NaN where unknown.
    strategy : callable, LabelState -> labels (K,)
        One of `STRATEGIES`, or another.
    N, Y : ndarray, (n_fits, K)
        Fits known at the start.
    counts, available : ndarray, (K,)
        Labels at hand, and labels that can be had beyond.
    budget, n_rounds : int
        Labels a round, and rounds.
    model : TransferModel, optional
        Its parameters are used by strategies that fit one.

    Raises
    ------
    ValueError
        If all rounds need more labels than there are, or a strategy breaks the budget.
    """
    counts, left = np.asarray(counts, dtype=float), np.asarray(available, dtype=float)
    if budget < 1 or n_rounds < 1 or left.sum() < budget * n_rounds:
        raise ValueError(
            f"budget times n_rounds must be between 1 and the {left.sum():g} labels available, "
            f"got {budget} and {n_rounds}"
        )
    model = model if model is not None else TransferModel(random_state=0)
    path, scores = [counts], [np.asarray(score(counts), dtype=float)]
    for _ in range(n_rounds):
        N, Y = np.vstack([N, path[-1]]), np.vstack([Y, scores[-1]])
        labels = np.asarray(strategy(LabelState(N, Y, path[-1], left, budget, model)))
        if labels.sum() != budget or (labels < 0).any() or (labels > left).any():
            raise ValueError(f"strategy must spend the budget of {budget} on available labels")
        left = left - labels
        path.append(path[-1] + labels)
        scores.append(np.asarray(score(path[-1]), dtype=float))
    return LabelPath(np.array(path), np.array(scores))


def _fitted(state: LabelState) -> TransferModel:
    return state.model.fit(state.N, state.Y, state.repeats)


def _share(weights: np.ndarray, state: LabelState) -> np.ndarray:
    """Labels in proportion to weights, what a task cannot give handed on to the others."""
    plan = np.zeros_like(state.counts)
    left = float(state.budget)
    while left > 1e-9:
        open_ = (plan < state.available) & (weights > 0)
        part = np.where(open_, weights, 0.0) if open_.any() else state.available - plan
        more = np.minimum(left * part / part.sum(), state.available - plan)
        plan, left = plan + more, left - float(more.sum())
    return round_plan(plan, state.budget, state.available)


def _climb(slope: Callable[[np.ndarray], np.ndarray], state: LabelState) -> np.ndarray:
    """The plan that takes the steepest task's labels first, in a hundred portions."""
    plan = np.zeros_like(state.counts)
    portions = np.diff(np.linspace(0, state.budget, 101).astype(int))
    for portion in portions:
        while portion > 0:
            room = state.available - plan
            task = int(np.argmax(np.where(room > 0, slope(plan), -np.inf)))
            taken = min(portion, int(room[task]))
            plan[task] += taken
            portion -= taken
    return plan
