"""Each way's scores in each repeat, raw and recalibrated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from cotrain.comparison._blend import parts
from cotrain.comparison._models import Way
from cotrain.comparison._outputs import Outputs, column
from cotrain.comparison._portfolio import Candidate, stretch
from cotrain.means import mean_known

Repeat = tuple[Outputs, Outputs]

# Parts of the examples that are left out in turn: 20 tell a standard error to within a sixth.
N_PARTS = 20


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores, and how far they hang on the examples that happen to be scored."""

    values: np.ndarray  # (n_repeats, K, len(SCORES))
    # (N_PARTS, K, len(SCORES)): means over repeats with one part of the examples left out
    without: np.ndarray

    @classmethod
    def of(cls, repeats: Sequence[Outputs], outputs: Sequence[np.ndarray], seed: int) -> Self:
        """The scores of `outputs`, (n,) each, for the labels of `repeats`."""
        pairs = list(zip(repeats, outputs, strict=True))
        without = [
            one.score_without(output, parts(one.example, N_PARTS, seed)) for one, output in pairs
        ]
        return cls(np.stack([one.score(output) for one, output in pairs]), np.mean(without, axis=0))

    @classmethod
    def mean(cls, several: Sequence[Self]) -> Self:
        return cls(
            np.mean([one.values for one in several], axis=0),
            np.mean([one.without for one in several], axis=0),
        )

    def column(self, score: str) -> "Scored":
        """One score: values (n_repeats, K), without (N_PARTS, K)."""
        at = column(score)
        return Scored(self.values[:, :, at], self.without[:, :, at])


@dataclass(frozen=True, eq=False)
class WayScores:
    """Scores on test labels, natural sign."""

    # as the way predicts, and after one parameter common to all tasks has stretched its distance
    # from the base rate, fitted to validation labels
    raw: Scored
    recalibrated: Scored


def score_ways(ways: Sequence[Way], repeats: Sequence[Repeat], seed: int) -> dict[str, WayScores]:
    """The scores of each way; those of one name are averaged."""
    found: dict[str, list[WayScores]] = {}
    for way in ways:
        found.setdefault(way.name, []).append(_score(way, repeats, seed))
    mean = Scored.mean
    return {
        name: WayScores(mean([one.raw for one in own]), mean([one.recalibrated for one in own]))
        for name, own in found.items()
    }


def score_portfolio(
    recommended: Candidate, repeats: Sequence[Repeat], seed: int
) -> tuple[WayScores, np.ndarray]:
    """The scores of a blended portfolio, which is calibrated, and its weights (K, n_roles)."""
    blend = recommended.blend([validation for validation, _ in repeats], seed)
    tests = [test for _, test in repeats]
    scored = Scored.of(tests, [recommended.predict(blend, test) for test in tests], seed)
    return WayScores(scored, scored), blend.weights_


def _score(way: Way, repeats: Sequence[Repeat], seed: int) -> WayScores:
    serving = _serving(way, repeats) if way.served else None
    validations, tests = zip(*repeats, strict=True)
    factor = stretch(validations, [_output(way, one, serving) for one in validations])
    raw = [_output(way, one, serving) for one in tests]
    recalibrated = [
        one.base + factor[one.task] * (output - one.base)
        for one, output in zip(tests, raw, strict=True)
    ]
    return WayScores(Scored.of(tests, raw, seed), Scored.of(tests, recalibrated, seed))


def _serving(way: Way, repeats: Sequence[Repeat]) -> np.ndarray:
    """For each task, the place of the model with the best mean D² on validation labels, (K,)."""
    d2 = [
        [validation.score(validation.by_model[model])[:, column("d2")] for model in way.models]
        for validation, _ in repeats
    ]
    mean = mean_known(d2)
    holds = np.array([np.isin(np.arange(mean.shape[1]), model.members) for model in way.models])
    # A model whose score is unknown serves only tasks that no other holds.
    value = np.where(np.isnan(mean), np.finfo(float).min, mean)
    return np.where(holds, value, -np.inf).argmax(axis=0)


def _output(way: Way, outputs: Outputs, serving: np.ndarray | None) -> np.ndarray:
    if serving is None:
        return outputs.mean(way.models)
    every = np.stack([outputs.by_model[model] for model in way.models])
    return np.asarray(every[serving[outputs.task], np.arange(outputs.task.size)])


def natural_scores(kinds: Mapping[str, bool], extra: Sequence[str]) -> list[tuple[str, bool]]:
    """Which scores are compared, and whether recalibrated: those of the field first.

    `kinds` says which kinds of tasks there are; losses are shown raw and recalibrated.
    """
    found: list[tuple[str, bool]] = []
    if kinds["binary"]:
        found += [("auroc", False), ("log_loss", False), ("log_loss", True)]
    if kinds["real"]:
        found += [("r2", False), ("rae", False)]
    found += [("d2", False), *((score, False) for score in extra)]
    return list(dict.fromkeys(found))
