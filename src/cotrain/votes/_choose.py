"""Which functions to train on: subsets, their effects, and the best of the sets they order."""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cotrain.surrogates import (
    DesignWarning,
    LinearSurrogate,
    Relevance,
    relevance,
    spearman_by_target,
)
from cotrain.votes._end_model import EndModel
from cotrain.votes._table import VoteTable

By = Literal["accuracy", "log_probability"]
N_PARTS = 5
_SUBSETS, _TRIED = 200, 20


@dataclass(frozen=True, eq=False)
class Choice:
    """The functions to train on, and why."""

    members: np.ndarray  # the chosen functions, bool (m,)
    by_part: np.ndarray  # what is chosen without one part of the validation labels, bool (5, m)
    part: np.ndarray  # of each validation label, int (n_valid,)
    effects: Relevance  # of functions on the score; the target is the last task, behind them
    spearman: float  # of predicted and measured scores of the last quarter of the subsets


def choose(table: VoteTable, model: EndModel, by: By, seed: int) -> Choice:
    """Choose functions by validation labels.

    Subsets of half to all functions label the training rows by their majority; the effects of a
    linear surrogate on the score of the end model order the functions; of the sets of the first
    few of them that with the best score is taken. Parts of the validation labels stand for the
    repeats of an effect.
    """
    rng = np.random.default_rng(seed)
    trials = _Trials(table, model, by)
    subsets = _subsets(len(table.functions), rng)
    goodness = np.stack([trials.goodness(row) for row in subsets])  # (n_subsets, n_valid)
    part = _parts(trials.truth, rng)
    scores = np.stack([goodness[:, part == at].mean(axis=1) for at in range(N_PARTS)])
    effects = _effects(subsets, scores)
    every = np.ones(part.size, dtype=bool)
    by_part = [_best(trials, subsets, goodness, part != at) for at in range(N_PARTS)]
    mean, n_seen = goodness.mean(axis=1), 3 * len(subsets) // 4
    held_out = LinearSurrogate().fit(subsets[:n_seen], mean[:n_seen]).predict(subsets[n_seen:])
    spearman = spearman_by_target(held_out[:, None], mean[n_seen:, None])
    members = _best(trials, subsets, goodness, every)
    return Choice(members, np.stack(by_part), part, effects, float(spearman[0]))


class _Trials:
    """How good the end model of a set of functions is, on each validation label."""

    def __init__(self, table: VoteTable, model: EndModel, by: By) -> None:
        self._table, self._model, self._by = table, model, by
        self._rows = table.known("valid")
        self.truth = table.truth[self._rows]

    def goodness(self, members: np.ndarray) -> np.ndarray:
        """The log probability of the true class, or whether it is the likeliest, (n_valid,)."""
        found = self._model.log_probabilities(self._table.voted(members), self._rows)
        if self._by == "log_probability":
            return np.asarray(found[np.arange(self.truth.size), self.truth])
        return np.asarray(found.argmax(axis=1) == self.truth, dtype=np.float64)


def _subsets(m: int, rng: np.random.Generator) -> np.ndarray:
    """Different sets of half to all functions, bool (n, m)."""
    drawn = np.zeros((_SUBSETS, m), dtype=bool)
    for row, size in zip(drawn, rng.integers(max(m // 2, 1), m, _SUBSETS), strict=True):
        row[rng.choice(m, size, replace=False)] = True
    _, first = np.unique(drawn, axis=0, return_index=True)
    return drawn[np.sort(first)]


def _parts(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    part = np.empty(truth.size, dtype=np.int64)
    part[np.lexsort((rng.random(truth.size), truth))] = np.arange(truth.size) % N_PARTS
    return part


def _best(
    trials: _Trials, subsets: np.ndarray, goodness: np.ndarray, seen: np.ndarray
) -> np.ndarray:
    """The best set of the first few functions, by the validation labels that are `seen`."""
    effect = LinearSurrogate().fit(subsets, goodness[:, seen].mean(axis=1)).coef_
    rank = np.argsort(np.argsort(-effect, kind="stable"))
    sizes = np.unique(np.linspace(1, effect.size, min(effect.size, _TRIED)).astype(int))
    # Of sets that are as good the largest: most votes.
    tried = [rank < size for size in sizes[::-1]]
    return max(tried, key=lambda members: float(trials.goodness(members)[seen].mean()))


def _effects(subsets: np.ndarray, scores: np.ndarray) -> Relevance:
    """Effects on a target that stands behind the functions and is in every subset."""
    X = np.hstack([subsets, np.ones((len(subsets), 1), dtype=bool)])
    Y = np.full((*scores.shape, X.shape[1]), np.nan)
    Y[:, :, -1] = scores
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)  # that the target is in every subset
        return relevance(X, Y)
