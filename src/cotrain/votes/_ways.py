"""Ways to predict: with the chosen functions, with all of them, with none."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pandas as pd

from cotrain.reliability import paired_interval
from cotrain.training._threads import one_thread
from cotrain.votes._choose import N_PARTS, By, Choice, EndModel, choose
from cotrain.votes._table import VoteTable

# Probabilities of the classes of rows, (n_rows, n_classes), from all validation labels (None), or
# from those outside one part of them.
_Predict = Callable[[np.ndarray, int | None], np.ndarray]
HIDDEN = "end model, hidden training labels"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was chosen, and how each way predicts."""

    choice: Choice
    ways: pd.DataFrame  # the table `vote_ways`
    recommended: str  # the simplest way that is not clearly worse than the best
    probability: np.ndarray  # of the recommended way, for every row of the table, (N, n_classes)


@one_thread()
def compare(table: VoteTable, by: By = "accuracy", seed: int = 0) -> Comparison:
    """Choose functions by validation labels, and compare ways to predict on test labels.

    Each way predicts a validation label without having seen it, neither in training nor in
    choosing. The true labels of training rows are read for one way alone, which is never
    recommended.
    """
    model = EndModel(table.features, len(table.classes))
    choice = choose(table, model, by, seed)
    ways = _ways(table, model, choice, seed)
    valid, test = table.known("valid"), table.known("test")

    def right(predict: _Predict, rows: np.ndarray, part: int | None) -> np.ndarray:
        return np.asarray(predict(rows, part).argmax(axis=1) == table.truth[rows], dtype=float)

    on_valid = pd.DataFrame(index=valid, columns=list(ways), dtype=float)
    for at in range(N_PARTS):
        rows = valid[choice.part == at]
        for name, predict in ways.items():
            on_valid.loc[rows, name] = right(predict, rows, at)
    recommended = simplest(on_valid)
    hidden = table.labels_of(table.known("train"))  # what the functions stand in for
    shown = ways if (hidden < 0).all() else ways | {HIDDEN: _trained(model, lambda _: hidden)}
    on_test = pd.DataFrame({name: right(predict, test, None) for name, predict in shown.items()})
    gain = paired_interval(on_test[[recommended]].to_numpy() - on_test.to_numpy())
    found = pd.DataFrame({
        "way": on_test.columns,
        "recommended": on_test.columns == recommended,
        "valid_accuracy": on_valid.mean().reindex(on_test.columns).to_numpy(),
        "test_accuracy": on_test.mean().to_numpy(),
        "difference": gain.estimate, "low": gain.low, "high": gain.high,
    })  # fmt: skip
    probability = ways[recommended](np.arange(table.truth.size), None)
    return Comparison(choice, found, recommended, probability)


def simplest(right: pd.DataFrame) -> str:
    """The first column that is behind the best by at most the standard error of that."""
    best = right.mean().idxmax()
    behind = -right.sub(right[best], axis=0)
    error = behind.std() / np.sqrt(len(right))
    return str(right.columns[(behind.mean() <= error).to_numpy().argmax()])


def _ways(table: VoteTable, model: EndModel, choice: Choice, seed: int) -> dict[str, _Predict]:
    """Ways by their names, from the simplest on."""
    every = np.ones(len(table.functions), dtype=bool)
    valid = table.known("valid")

    def own(part: int | None) -> np.ndarray:
        """The validation labels outside a part, (N,)."""
        return table.labels_of(valid if part is None else valid[choice.part != part])

    def members(part: int | None) -> np.ndarray:
        return choice.members if part is None else choice.by_part[part]

    def shares(part: int | None) -> np.ndarray:
        counts = np.bincount(own(part)[valid] + 1, minlength=len(table.classes) + 1)[1:]
        return np.asarray(counts / counts.sum())

    def voted(rows: np.ndarray, part: int | None) -> np.ndarray:
        # One vote more, spread as the classes are, breaks ties.
        counts = table.counts(every)[rows] + shares(part)
        return counts / counts.sum(axis=1, keepdims=True)

    def both(part: int | None) -> np.ndarray:
        return np.maximum(own(part), table.voted(members(part)))

    ways: dict[str, _Predict] = {
        "the commonest class": lambda rows, part: np.tile(shares(part), (rows.size, 1)),
        "majority vote, all functions": voted,
        "end model, validation labels": _trained(model, own),
        "end model, all functions": _trained(model, lambda _: table.voted(every)),
    }
    if find_spec("snorkel") is not None:
        labels = _snorkel(table, seed)
        ways["end model, Snorkel's label model"] = _trained(model, lambda _: labels)
    return ways | {
        "end model, chosen functions": _trained(model, lambda part: table.voted(members(part))),
        "end model, chosen functions and validation labels": _trained(model, both),
    }


def _trained(model: EndModel, labels: Callable[[int | None], np.ndarray]) -> _Predict:
    return lambda rows, part: np.exp(model.log_probabilities(labels(part), rows))


def _snorkel(table: VoteTable, seed: int) -> np.ndarray:
    """Labels of training rows by the label model of the package snorkel, (N,); -1: none."""
    from snorkel.labeling.model import LabelModel

    rows = np.flatnonzero(table.part == "train")
    labeller = LabelModel(cardinality=len(table.classes), verbose=False)
    labeller.fit(table.votes[rows], n_epochs=500, seed=seed, progress_bar=False)
    labels = np.full(table.truth.size, -1)
    labels[rows] = labeller.predict(table.votes[rows], tie_break_policy="abstain")
    return labels
