"""From runs to arrays: what the analyses are fitted to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cotrain.allocation import Allocation, Fit, FoldUse
from cotrain.means import mean_known
from cotrain.scores import find_score


@dataclass(frozen=True, eq=False)
class SubsetScores:
    """What subsets of tasks scored when trained together, repeat by repeat."""

    indicators: np.ndarray  # (n_subsets, K) of int64: 1 where a task is a member of a subset
    # (n_repeats, n_subsets, K) of float64: higher is better; NaN where a subset does not hold the
    # task or a score is missing
    scores: np.ndarray

    @property
    def single(self) -> np.ndarray:
        """Each task's score when trained alone, (n_repeats, K); NaN where that was not trained."""
        result = np.full(self.scores[:, 0].shape, np.nan)
        rows = np.flatnonzero(self.indicators.sum(axis=1) == 1)
        tasks = self.indicators[rows].argmax(axis=1)
        result[:, tasks] = self.scores[:, rows, tasks]
        return result

    @property
    def together(self) -> np.ndarray:
        """Each task's score when all are trained together, (n_repeats, K); NaN if not trained."""
        rows = np.flatnonzero(self.indicators.all(axis=1))
        if rows.size == 0:
            return np.full(self.scores[:, 0].shape, np.nan)
        return self.scores[:, rows[0]]

    def take(self, rows: np.ndarray) -> "SubsetScores":
        """Only the subsets `rows`, an index or a mask."""
        return SubsetScores(self.indicators[rows], self.scores[:, rows])


@dataclass(frozen=True, eq=False)
class GridScores:
    """What the statTAG grid scored."""

    levels: tuple[int, ...]  # (n_levels,)
    # (n_repeats, n_levels, K) of float64: score of each task with all tasks at a level; higher is
    # better
    baseline: np.ndarray
    # (n_repeats, n_levels, K auxiliaries, K targets) of float64: the same with one fold more of one
    # auxiliary task
    augmented: np.ndarray


@dataclass(frozen=True, eq=False)
class Observations:
    """Fits, the labels they were trained on, and what they scored."""

    fits: tuple[Fit, ...]  # (n_fits,)
    counts: np.ndarray  # (n_fits, K) of int64: labels of each task that each fit was trained on
    # (n_fits, K) of float64: higher is better (losses are negated); NaN where a fit does not score
    # a task
    scores: np.ndarray

    @classmethod
    def of(
        cls,
        runs: pd.DataFrame,
        fits: Mapping[str, Fit],
        tasks: Sequence[str],
        label_counts: np.ndarray,
        score: str,
    ) -> "Observations":
        """The observations of `fits` (by identity) in `runs`; a ValueError if a fit has none.

        `runs` have a row a (fit, task) with the columns `fit_id`, `task` and `val_<score>`;
        `label_counts` (K, F) are the labels of each task in each fold.
        """
        if missing := sorted(set(fits) - set(runs["fit_id"])):
            raise ValueError(f"every fit must have a run, got none for {len(missing)} fits")
        wanted = runs[runs["fit_id"].isin(fits)]
        rows, columns = (
            wanted[key].map({name: at for at, name in enumerate(names)}).to_numpy(dtype=np.int64)
            for names, key in ((fits, "fit_id"), (tasks, "task"))
        )
        scores = np.full((len(fits), len(tasks)), np.nan)
        scores[rows, columns] = wanted[f"val_{score}"].to_numpy(dtype=np.float64)
        scores *= find_score(score).sign
        counts = np.stack([fit.allocation.counts(label_counts) for fit in fits.values()])
        return cls(tuple(fits.values()), counts, scores)

    @property
    def blocks(self) -> np.ndarray:
        """The block of each score, (n_fits, K), by the folds of its task: trained on, scored on.

        Numbers that tell blocks apart. A task's training folds are those of the fit's level, and
        the next one where the task is the auxiliary.
        """
        uses: dict[FoldUse, int] = {}
        use = np.array([uses.setdefault(fit.folds, len(uses)) for fit in self.fits])
        level = np.array([fit.level for fit in self.fits])
        auxiliary = np.array([-1 if fit.auxiliary is None else fit.auxiliary for fit in self.fits])
        own_level = level[:, None] + (auxiliary[:, None] == np.arange(self.scores.shape[1]))
        return use[:, None] * (own_level.max() + 1) + own_level

    def over_seeds(self) -> "Observations":
        """Fits that differ in seed alone as one, with their mean scores; the first stands for all.

        A task's mean is over the fits that score it.
        """
        by_labels: dict[tuple[Allocation, FoldUse], list[int]] = {}
        for place, fit in enumerate(self.fits):
            by_labels.setdefault((fit.allocation, fit.folds), []).append(place)
        groups = list(by_labels.values())
        means = np.stack([mean_known(self.scores[group]) for group in groups])
        first = np.array([group[0] for group in groups])
        return Observations(tuple(self.fits[at] for at in first), self.counts[first], means)

    def subsets(self, level: int) -> SubsetScores:
        """The fits of whole subsets at a level; only subsets that every repeat trained."""
        chosen = [
            (fit, scores)
            for fit, scores in zip(self.fits, self.scores, strict=True)
            if fit.auxiliary is None and fit.level == level
        ]
        repeats = sorted({fit.repeat for fit, _ in chosen})
        by_subset: dict[tuple[int, ...], dict[int, np.ndarray]] = {}
        for fit, scores in chosen:
            by_subset.setdefault(fit.members, {})[fit.repeat] = scores
        whole = {
            members: np.stack([found[repeat] for repeat in repeats])
            for members, found in by_subset.items()
            if len(found) == len(repeats)
        }
        n_tasks = self.scores.shape[1]
        indicators = np.zeros((len(whole), n_tasks), dtype=np.int64)
        for row, members in enumerate(whole):
            indicators[row, list(members)] = 1
        none = np.empty((len(repeats), 0, n_tasks))
        return SubsetScores(indicators, np.stack([*whole.values()], axis=1) if whole else none)

    def grid(self, levels: Sequence[int], n_repeats: int) -> GridScores:
        """The fits of all tasks at each level, and those with one fold more of one task."""
        n_tasks = self.scores.shape[1]
        place = {level: index for index, level in enumerate(levels)}
        baseline = np.full((n_repeats, len(levels), n_tasks), np.nan)
        augmented = np.full((n_repeats, len(levels), n_tasks, n_tasks), np.nan)
        for fit, scores in zip(self.fits, self.scores, strict=True):
            if fit.level not in place or fit.repeat >= n_repeats or len(fit.members) < n_tasks:
                continue
            at = (fit.repeat, place[fit.level])
            if fit.auxiliary is None:
                baseline[at] = scores
            else:
                augmented[(*at, fit.auxiliary)] = scores
        return GridScores(tuple(levels), baseline, augmented)
