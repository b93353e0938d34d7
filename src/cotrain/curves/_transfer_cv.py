"""How strongly discounts are shrunk, chosen by the error on allocations left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cotrain.curves._shrinkage import Population, Shrinkage, leading_directions, target_prior
from cotrain.curves._transfer_core import (
    TargetData,
    TargetFit,
    expected_score,
    most_probable,
)


@dataclass(frozen=True)
class ShrinkageChoice:
    """A candidate and its cross-validated error.

    Attributes
    ----------
    rank : int
        Shared directions; 0 is the plain hierarchy.
    strength : float
        Standard deviation of the sum of a target's effects about them.
    error : float
        Mean over tasks of the squared error on held-out allocations, in units of the task's noise
        variance; NaN if there was nothing to choose.
    """

    rank: int
    strength: float
    error: float


def choose_shrinkage(
    targets: Sequence[TargetData],
    folds: Sequence[np.ndarray],
    population: Population,
    fits: Sequence[TargetFit],
    strengths: Sequence[float],
    ranks: Sequence[int],
    ceiling: float,
    n_judged: int,
) -> list[ShrinkageChoice]:
    """The candidates with their errors, best first.

    Strengths are compared at the lowest rank, then ranks at the best strength and the next smaller
    one: what shared directions explain need not be left to the single pairs.

    Parameters
    ----------
    folds : sequence of ndarray of int
        The fold of each row of each target.
    n_judged : int
        Targets at most that errors are measured on, evenly spread; all are fitted where shared
        directions need them.
    """
    n_tasks = targets[0].x.shape[1]
    judged = np.unique(np.linspace(0, len(targets) - 1, min(n_judged, len(targets))).astype(int))
    plain = np.empty((0, n_tasks))
    lowest = min(ranks)
    by_fold = _directions_by_fold(targets, folds, population, fits, strengths, ranks, ceiling)

    def judge(rank: int, strength: float) -> ShrinkageChoice:
        error = np.mean(
            [
                _held_out_error(
                    targets[t], folds[t], population, fits[t], strength,
                    [found[:rank] for found in by_fold] if rank else [plain] * len(by_fold),
                    ceiling,
                )
                for t in judged
            ]
        )  # fmt: skip
        return ShrinkageChoice(rank, strength, float(error))

    choices = [judge(lowest, strength) for strength in strengths]
    best = min(choices, key=lambda choice: choice.error).strength
    smaller = [strength for strength in sorted(strengths) if strength < best][-1:]
    choices += [judge(r, s) for r in ranks if r != lowest for s in (*smaller, best)]
    return sorted(choices, key=lambda choice: choice.error)


def _directions_by_fold(
    targets: Sequence[TargetData],
    folds: Sequence[np.ndarray],
    population: Population,
    fits: Sequence[TargetFit],
    strengths: Sequence[float],
    ranks: Sequence[int],
    ceiling: float,
) -> list[np.ndarray]:
    """Shared directions from the rows outside each fold."""
    n_folds = 1 + max(int(fold.max()) for fold in folds)
    n_tasks = targets[0].x.shape[1]
    plain = Shrinkage(float(np.median(strengths)), np.empty((0, n_tasks)))
    if max(ranks) == 0:
        return [plain.directions] * n_folds
    result = []
    for held_out in range(n_folds):
        trained = [
            most_probable(
                data.rows(fold != held_out),
                target_prior(data, population, plain, ceiling),
                fit.z,
            )[0]
            for data, fold, fit in zip(targets, folds, fits, strict=True)
        ]
        result.append(leading_directions(trained, n_tasks, max(ranks)))
    return result


def _held_out_error(
    data: TargetData,
    fold: np.ndarray,
    population: Population,
    fit: TargetFit,
    strength: float,
    directions: Sequence[np.ndarray],
    ceiling: float,
) -> float:
    total = 0.0
    for held_out, found in enumerate(directions):
        left = fold == held_out
        if not left.any():
            continue
        prior = target_prior(data, population, Shrinkage(strength, found), ceiling)
        z, _ = most_probable(data.rows(~left), prior, fit.z)
        rest = data.rows(left)
        total += float(np.square(rest.y - expected_score(z, rest)).sum())
    return total / len(data.y) / float(population.variance[data.target])
