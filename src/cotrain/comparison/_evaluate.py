"""Each way's scores in each repeat, raw and recalibrated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cotrain.comparison._models import Way
from cotrain.comparison._outputs import Outputs, column
from cotrain.comparison._portfolio import Candidate

Repeat = tuple[Outputs, Outputs]


@dataclass(frozen=True, eq=False)
class WayScores:
    """Scores on test labels, (n_repeats, K, len(SCORES)), natural sign.

    Attributes
    ----------
    raw, recalibrated : ndarray
        As the way predicts, and after one parameter common to all tasks has stretched its distance
        from the base rate, fitted to validation labels.
    """

    raw: np.ndarray
    recalibrated: np.ndarray


def score_ways(ways: Sequence[Way], repeats: Sequence[Repeat], seed: int) -> dict[str, WayScores]:
    """The scores of each way; those of one name are averaged."""
    found: dict[str, list[WayScores]] = {}
    for way in ways:
        found.setdefault(way.name, []).append(_score(way, repeats, seed))
    return {
        name: WayScores(
            np.mean([one.raw for one in scored], axis=0),
            np.mean([one.recalibrated for one in scored], axis=0),
        )
        for name, scored in found.items()
    }


def score_portfolio(
    recommended: Candidate, repeats: Sequence[Repeat], seed: int
) -> tuple[WayScores, np.ndarray]:
    """The scores of a blended portfolio, which is calibrated, and its weights by repeat."""
    scores, weights = [], []
    for validation, test in repeats:
        blend = recommended.blend(validation, seed)
        scores.append(test.score(recommended.predict(blend, test)))
        weights.append(blend.weights_)
    stacked = np.stack(scores)
    return WayScores(stacked, stacked), np.stack(weights)


def _score(way: Way, repeats: Sequence[Repeat], seed: int) -> WayScores:
    serving = _serving(way, repeats) if way.served else None
    raw, recalibrated = [], []
    for validation, test in repeats:
        known, output = (_output(way, one, serving) for one in (validation, test))
        raw.append(test.score(output))
        recalibrated.append(test.score(_recalibrated(validation, test, known, output, seed)))
    return WayScores(np.stack(raw), np.stack(recalibrated))


def _serving(way: Way, repeats: Sequence[Repeat]) -> np.ndarray:
    """For each task, the place of the model with the best mean D² on validation labels, (K,)."""
    d2 = np.array(
        [
            [validation.score(validation.by_model[model])[:, column("d2")] for model in way.models]
            for validation, _ in repeats
        ]
    )
    known = ~np.isnan(d2)
    mean = np.where(known, d2, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    holds = np.array(
        [np.isin(np.arange(d2.shape[2]), model.members) for model in way.models], dtype=bool
    )
    # A model whose score is unknown serves only tasks that no other holds.
    value = np.where(known.any(axis=0), mean, np.finfo(float).min)
    return np.where(holds, value, -np.inf).argmax(axis=0)


def _output(way: Way, outputs: Outputs, serving: np.ndarray | None) -> np.ndarray:
    if serving is None:
        return outputs.mean(way.models)
    every = np.stack([outputs.by_model[model] for model in way.models])
    return np.asarray(every[serving[outputs.task], np.arange(outputs.task.size)])


def _recalibrated(
    validation: Outputs, test: Outputs, known: np.ndarray, output: np.ndarray, seed: int
) -> np.ndarray:
    stretch = Candidate.stretch(validation, known, seed)
    return np.asarray(test.base + stretch[test.task] * (output - test.base))


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
