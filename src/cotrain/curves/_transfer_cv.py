"""How strongly discounts are shrunk, chosen by the error on allocations left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cotrain.curves._shrinkage import Population, Shrinkage, leading_directions, target_prior
from cotrain.curves._transfer_core import TargetData, TargetFit, expected_score, most_probable

N_JUDGED = 20
"""Targets at most that candidates are judged on."""


@dataclass(frozen=True)
class ShrinkageChoice:
    """A candidate and its cross-validated error."""

    rank: int  # number of shared directions; 0 is the plain hierarchy
    strength: float  # standard deviation of the sum of a target's effects about them
    # Mean over tasks of the squared error on held-out allocations, in units of the task's noise
    # variance; NaN if there was nothing to choose.
    error: float


@dataclass(frozen=True, eq=False)
class Judge:
    """Measures the errors of candidates on allocations left out."""

    targets: Sequence[TargetData]
    folds: Sequence[np.ndarray]  # sequence of ndarray of int: the fold of each row of each target
    scale: np.ndarray  # (K,): noise variances that errors are measured in

    def errors(
        self,
        candidates: Sequence[tuple[int, float]],
        population: Population,
        fits: Sequence[TargetFit],
        plain: float,
    ) -> list[ShrinkageChoice]:
        """The errors of candidates (rank, strength).

        They are measured on a few targets, evenly spread; all are fitted where shared directions
        need them, which are those of fits without any, at the strength `plain`. Searches start from
        `fits`.
        """
        n_judged = min(N_JUDGED, len(self.targets))
        judged = np.unique(np.linspace(0, len(self.targets) - 1, n_judged).astype(int))
        by_fold = self._directions(max(rank for rank, _ in candidates), population, fits, plain)
        choices = []
        for rank, strength in candidates:
            shared = [found[:rank] for found in by_fold]
            errors = [self._error(t, population, fits[t], strength, shared) for t in judged]
            choices.append(ShrinkageChoice(rank, strength, float(np.mean(errors))))
        return choices

    def _directions(
        self, rank: int, population: Population, fits: Sequence[TargetFit], plain: float
    ) -> list[np.ndarray]:
        """Shared directions from the rows outside each fold, (rank, K) each."""
        n_folds = 1 + max(int(fold.max()) for fold in self.folds)
        n_tasks = self.targets[0].x.shape[1]
        shrinkage = Shrinkage.plain(plain, n_tasks)
        if rank == 0:
            return [shrinkage.directions] * n_folds
        result = []
        for held_out in range(n_folds):
            trained = []
            for data, fold, fit in zip(self.targets, self.folds, fits, strict=True):
                prior = target_prior(data, population, shrinkage)
                trained.append(most_probable(data.rows(fold != held_out), prior, fit.z)[0])
            result.append(leading_directions(trained, n_tasks, rank))
        return result

    def _error(
        self,
        target: int,
        population: Population,
        fit: TargetFit,
        strength: float,
        directions: Sequence[np.ndarray],
    ) -> float:
        """Mean squared error on the rows left out of one target, in units of its noise."""
        data, fold = self.targets[target], self.folds[target]
        total = 0.0
        for held_out, found in enumerate(directions):
            left = fold == held_out
            if not left.any():
                continue
            prior = target_prior(data, population, Shrinkage(strength, found))
            z, _ = most_probable(data.rows(~left), prior, fit.z)
            rest = data.rows(left)
            total += float(np.square(rest.y - expected_score(z, rest)).sum())
        return total / len(data.y) / float(self.scale[target])
