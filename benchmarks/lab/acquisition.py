"""Label acquisition round by round: strategies, and a simulation that plays them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cotrain.curves import EXP31, TransferModel, fit_curves
from lab.label_plan import recommend_labels, round_plan
from lab.transfer_intervals import score_variance


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
    blocks : ndarray, (n_fits, K) or (n_fits,), optional
        As of `TransferModel.fit`.
    """

    N: np.ndarray
    Y: np.ndarray
    counts: np.ndarray
    available: np.ndarray
    budget: int
    model: TransferModel
    blocks: np.ndarray | None = None


Strategy = Callable[[LabelState], np.ndarray]


@dataclass(frozen=True, eq=False)
class LabelPath:
    """One strategy's course, from the start to the last round.

    Attributes
    ----------
    revealed : ndarray of int, (rounds + 1, K)
        Folds revealed of each task.
    counts : ndarray, (rounds + 1, K)
        Labels at hand.
    scores : ndarray, (rounds + 1, K)
        What the fits of all tasks are judged by.
    """

    revealed: np.ndarray
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
    fits = fit_curves(state.N.T[:, :, None], np.where(state.N > 0, state.Y, np.nan).T, EXP31)
    own = np.nan_to_num(fits.parameters["a_own"])
    short = np.exp(np.nan_to_num(fits.parameters["b"], nan=-np.inf) - own * state.counts)
    return _climb(lambda labels: own * short * np.exp(-own * labels), state)


def by_uncertainty(state: LabelState) -> np.ndarray:
    """Labels, portion by portion, where the transfer model is least sure of the score by then."""
    model = _fitted(state)
    return _climb(lambda labels: score_variance(model, (state.counts + labels)[None])[0], state)


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
    score: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    strategy: Strategy,
    N: np.ndarray,
    Y: np.ndarray,
    counts: np.ndarray,
    folds: np.ndarray,
    budget: int,
    n_rounds: int,
    *,
    own_folds: np.ndarray | None = None,
    model: TransferModel | None = None,
) -> LabelPath:
    """The course of one strategy, every round's fit added to what it knows.

    Labels are hidden in folds, as those of a study are: a round reveals whole folds, as near to the
    strategy's plan and to the budget as they come. What one round spends too much or too little,
    the next one makes up for.

    Parameters
    ----------
    score : callable, folds revealed (K,) -> two vectors of scores (K,)
        Trains, or looks up, the fit of all tasks with these folds: the scores that strategies learn
        from, and those that they are judged by. NaN where unknown.
    strategy : callable, LabelState -> labels (K,)
        One of `STRATEGIES`, or another.
    N, Y : ndarray, (n_fits, K)
        Fits known at the start.
    counts : ndarray, (K,)
        Labels at hand.
    folds : ndarray, (K, n_folds)
        Labels in each hidden fold, in the order in which they are revealed.
    budget, n_rounds : int
        Labels a round, and rounds.
    own_folds : ndarray of int, (n_fits, K), optional
        Folds of each task that each fit of the start was trained on, counted in the order in which
        they came to hand: blocks, as of `TransferModel.fit`. All fits are one block by default.
    model : TransferModel, optional
        Its parameters are used by strategies that fit one.

    Raises
    ------
    ValueError
        If all rounds need more labels than there are, a strategy breaks the budget, or `own_folds`
        has another shape than N.
    """
    if own_folds is not None and np.shape(own_folds) != np.shape(N):
        raise ValueError(f"own_folds must have the shape of N, got {np.shape(own_folds)}")
    start, folds = np.asarray(counts, dtype=float), np.asarray(folds, dtype=float)
    if budget < 1 or n_rounds < 1 or folds.sum() < budget * n_rounds:
        raise ValueError(
            f"budget times n_rounds must be between 1 and the {folds.sum():g} labels available, "
            f"got {budget} and {n_rounds}"
        )
    model = model if model is not None else TransferModel(random_state=0)
    revealed = [np.zeros(len(start), dtype=np.int64)]
    seen, judged = score(revealed[0])
    path, scores = [start], [judged]
    for n_spent in range(n_rounds):
        N, Y = np.vstack([N, path[-1]]), np.vstack([Y, seen])
        blocks = None if own_folds is None else _with_rounds(own_folds, np.array(revealed))
        left = start + folds.sum(axis=1) - path[-1]
        due = int(min(budget * (n_spent + 1) - (path[-1] - start).sum(), left.sum()))
        labels = np.asarray(strategy(LabelState(N, Y, path[-1], left, due, model, blocks)))
        if labels.sum() != due or (labels < 0).any() or (labels > left).any():
            raise ValueError(f"strategy must spend the budget of {due} on available labels")
        revealed.append(_reveal(labels, folds, revealed[-1]))
        path.append(start + _revealed_labels(folds, revealed[-1]))
        seen, judged = score(revealed[-1])
        scores.append(judged)
    return LabelPath(np.array(revealed), np.array(path), np.array(scores, dtype=float))


def _with_rounds(own_folds: np.ndarray, revealed: np.ndarray) -> np.ndarray:
    """Training folds of each task in the fits of the start and of each round, one a row."""
    return np.vstack([own_folds, np.max(own_folds, axis=0) + revealed])


def _reveal(plan: np.ndarray, folds: np.ndarray, revealed: np.ndarray) -> np.ndarray:
    """Folds revealed after a plan of labels: whole ones, where most of a fold is still planned."""
    revealed, owed, left = revealed.copy(), plan.astype(float), float(plan.sum())
    every = np.arange(len(folds))
    while left > 0 and (is_open := revealed < folds.shape[1]).any():
        size = folds[every, np.minimum(revealed, folds.shape[1] - 1)]
        task = int(np.argmax(np.where(is_open, owed / np.maximum(size, 1), -np.inf)))
        if size[task] > 2 * left:  # more than half of it would be beyond the budget
            break
        revealed[task] += 1
        owed[task] -= size[task]
        left -= float(size[task])
    return revealed


def _revealed_labels(folds: np.ndarray, revealed: np.ndarray) -> np.ndarray:
    return np.where(np.arange(folds.shape[1]) < revealed[:, None], folds, 0.0).sum(axis=1)


def _fitted(state: LabelState) -> TransferModel:
    return state.model.fit(state.N, state.Y, state.blocks)


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
