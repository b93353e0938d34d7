"""Which functions to train on: subsets, their effects, and the best of the sets they order."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cotrain.exceptions import DataError
from cotrain.surrogates import (
    DesignWarning,
    LinearSurrogate,
    Relevance,
    relevance,
    spearman_by_target,
)
from cotrain.tasks import Features
from cotrain.training.learners._linear import LinearSettings, mean_square, scaled
from cotrain.training.learners._matrix import as_matrix
from cotrain.votes._table import VoteTable

By = Literal["accuracy", "log_probability"]
N_PARTS = 5
_SUBSETS, _TRIED = 200, 20
# What another class gets of each probability, so that no class is ever impossible.
_DOUBT = 0.01


class EndModel:
    """Logistic regression of the classes, with the penalty of the learner `linear`.

    What it learnt of some labels is kept, for they come again.
    """

    def __init__(self, features: Features, n_classes: int) -> None:
        self._features = as_matrix(features)
        self._n_classes = n_classes
        self._learnt: dict[bytes, Any] = {}

    def log_probabilities(self, labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Log probabilities of the classes of some rows, (n_rows, n_classes).

        Learnt from the class of each row to train on, int (N,); -1: none.
        """
        probability = np.zeros((rows.size, self._n_classes))
        counts = np.bincount(labels[labels >= 0], minlength=self._n_classes)
        classes = np.flatnonzero(counts)
        if classes.size < 2:
            probability[:, classes] = 1.0
        else:
            key = labels.tobytes()
            if key not in self._learnt:
                self._learnt[key] = self._learn(labels)
            probability[:, classes] = self._learnt[key].predict_proba(self._features[rows])
        share = (counts + 1) / (counts + 1).sum()
        return np.asarray(np.log((1 - _DOUBT) * probability + _DOUBT * share))

    def _learn(self, labels: np.ndarray) -> Any:
        from sklearn.linear_model import LogisticRegression

        seen = np.flatnonzero(labels >= 0)
        matrix, centre, spread = scaled(self._features[seen])
        strength = LinearSettings().strength / mean_square(matrix)
        model = LogisticRegression(C=strength, max_iter=10_000).fit(matrix, labels[seen])
        # On the scale of the features as they are.
        model.coef_ = model.coef_ / spread
        model.intercept_ = model.intercept_ - model.coef_ @ centre
        return model


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

    DataError if the subsets do not differ in their scores.
    """
    rng = np.random.default_rng(seed)
    rows = table.known("valid")
    truth = table.truth[rows]

    def measure(members: np.ndarray) -> np.ndarray:
        """The log probability of the true class, or whether it is the likeliest, (n_valid,)."""
        found = model.log_probabilities(table.voted(members), rows)
        if by == "log_probability":
            return np.asarray(found[np.arange(truth.size), truth])
        return np.asarray(found.argmax(axis=1) == truth, dtype=np.float64)

    subsets = _subsets(len(table.functions), rng)
    goodness = np.stack([measure(row) for row in subsets])  # (n_subsets, n_valid)
    # Parts of equal size and like classes.
    part = np.empty(truth.size, dtype=np.int64)
    order = np.lexsort((rng.random(part.size), truth))
    part[order] = np.arange(part.size) % N_PARTS
    scores = np.stack([goodness[:, part == at].mean(axis=1) for at in range(N_PARTS)])
    parts = [np.ones(part.size, dtype=bool), *(part != at for at in range(N_PARTS))]
    mean, n_seen = goodness.mean(axis=1), 3 * len(subsets) // 4
    fitted = [mean[:n_seen], *(goodness[:, own].mean(axis=1) for own in parts)]
    if any(np.ptp(known) == 0 for known in fitted):
        raise DataError(
            f"the subsets of {len(table.functions)} functions do not differ on {part.size} "
            "validation labels, so that nothing says which to train on; name other columns by "
            "--votes, or label more rows of valid"
        )
    effects = _effects(subsets, scores)
    members, *by_part = (_best(measure, subsets, goodness, own) for own in parts)
    held_out = LinearSurrogate().fit(subsets[:n_seen], mean[:n_seen]).predict(subsets[n_seen:])
    spearman = spearman_by_target(held_out[:, None], mean[n_seen:, None])
    return Choice(members, np.stack(by_part), part, effects, float(spearman[0]))


def _subsets(m: int, rng: np.random.Generator) -> np.ndarray:
    """Different sets of half to all functions, bool (n, m)."""
    drawn = np.zeros((_SUBSETS, m), dtype=bool)
    for row, size in zip(drawn, rng.integers(max(m // 2, 1), m, _SUBSETS), strict=True):
        row[rng.choice(m, size, replace=False)] = True
    _, first = np.unique(drawn, axis=0, return_index=True)
    return drawn[np.sort(first)]


def _best(
    measure: Callable[[np.ndarray], np.ndarray],
    subsets: np.ndarray,
    goodness: np.ndarray,
    seen: np.ndarray,
) -> np.ndarray:
    """The best set of the first few functions, by the validation labels that are `seen`."""
    effect = LinearSurrogate().fit(subsets, goodness[:, seen].mean(axis=1)).coef_
    rank = np.argsort(np.argsort(-effect, kind="stable"))
    sizes = np.unique(np.linspace(1, effect.size, min(effect.size, _TRIED)).astype(int))
    # Of sets that are as good the largest: most votes.
    tried = [rank < size for size in sizes[::-1]]
    return max(tried, key=lambda members: float(measure(members)[seen].mean()))


def _effects(subsets: np.ndarray, scores: np.ndarray) -> Relevance:
    """Effects on a target that stands behind the functions and is in every subset."""
    X = np.hstack([subsets, np.ones((len(subsets), 1), dtype=bool)])
    Y = np.full((*scores.shape, X.shape[1]), np.nan)
    Y[:, :, -1] = scores
    # That the target is in every subset is no news.
    with warnings.catch_warnings(action="ignore", category=DesignWarning):
        return relevance(X, Y)
