"""A study's steps one after the other, in memory: fits, surrogates, search, comparison, models."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cotrain.allocation import Fit, Rotation, by_recipe, random_subsets, rotations, subset_fits
from cotrain.analysis import (
    Observations,
    SubsetAnalysis,
    SubsetScores,
    group_value,
    relevance_table,
    subset_relevance,
    subset_score_table,
)
from cotrain.comparison import Candidate, Contest, Judged, Phase, make_candidates, make_ways
from cotrain.exceptions import FitError
from cotrain.grouping import (
    Constraints,
    GroupingResult,
    GroupValue,
    LinearValue,
    Objective,
    search_groups,
)
from cotrain.settings import AnalyzeSettings, TrainSettings
from cotrain.surrogates import DesignWarning
from cotrain.tables import pair_matrix
from cotrain.tasks import TaskTable
from cotrain.training import (
    FitFailure,
    FitResult,
    Learners,
    Trained,
    can_learn,
    fit_rows,
    fit_table,
    sweep_learners,
)

# Six folds validate, one a repeat: three choose the grouping, the others the portfolio.
N_FOLDS, N_TRAIN, N_TEST, N_REPEATS = 8, 5, 2, 3
TRIALS = 500
FEW = 12
FDR = 0.05


@dataclass(frozen=True)
class Steps:
    table: TaskTable  # with N_FOLDS folds
    learners: Learners  # by recipe, as `network/single`
    learner: str  # the one that transfer is measured with
    seed: int
    train: TrainSettings

    @property
    def others(self) -> list[str]:
        names = dict.fromkeys(name.rpartition("/")[0] for name in self.learners)
        return [name for name in names if name != self.learner]

    @property
    def score(self) -> Literal["log_loss", "d2"]:
        """What subsets are compared by: without units, so that a mean over tasks means something.

        The log loss of classes, D² of values.
        """
        return "log_loss" if self.table.kinds[0] == "binary" else "d2"

    def repeats(self, fresh: bool) -> list[Rotation]:
        """The repeats that choose the grouping, or those with fresh seeds and folds to judge it."""
        after = N_REPEATS if fresh else 0
        seed = self.seed + after
        return rotations(N_FOLDS, N_TRAIN, N_TEST, N_REPEATS, seed, after=after)

    def subset_fits(self, subsets: Sequence[Sequence[int]] = ()) -> list[Fit]:
        """The fits of subsets, each task alone and all together, that choose the grouping."""
        fits = subset_fits(self.table.n_tasks, N_TRAIN, subsets, self.repeats(False))
        return by_recipe(self.learner, fits)

    def can_be_studied(self) -> np.ndarray:
        """Whether each task can be learnt in every repeat, bool (K,)."""
        result = self.table.label_counts[:, -N_TEST:].sum(axis=1) > 0
        for fit in self.subset_fits():
            if len(fit.members) == 1:
                result[fit.members[0]] &= can_learn(self.table, fit)
        return result

    def n_subsets(self, budget: float) -> int:
        """As many subsets as the cost model has it that `budget` seconds of a core pay for.

        What is trained beside them is taken off first; one subset is always left.
        """
        fixed = self.subset_fits()
        cost = self.learners.cost(self.table, fixed)
        together = np.array([len(fit.members) == self.table.n_tasks for fit in fixed])
        per_subset = float(cost[together].sum()) * 0.5
        return max(1, math.floor((budget - float(cost.sum())) / per_subset))

    def results(self, fits: Sequence[Fit]) -> dict[Fit, FitResult]:
        found: dict[Fit, FitResult] = {}
        for fit, outcome, _ in sweep_learners(self.learners, self.table, fits, self.train):
            if isinstance(outcome, FitFailure):
                raise FitError(f"a model of the estimator cannot be trained: {outcome.reason}")
            found[fit] = outcome
        return found

    def search(self, n_subsets: int, max_groups: int) -> tuple[GroupingResult, pd.DataFrame]:
        """The best grouping that surrogates know, and the relevances that they found."""
        table, n_tasks = self.table, self.table.n_tasks
        subsets = (
            random_subsets(n_tasks, n_subsets, 2, n_tasks - 1, self.seed) if n_tasks > 2 else []
        )
        fits = self.subset_fits(subsets)
        results = self.results(fits)
        keys = {str(at): fit for at, fit in enumerate(fits)}
        rows = fit_table(
            fit_rows(table, "subsets", key, fit, results[fit]) for key, fit in keys.items()
        )
        observed = Observations.of(rows, keys, table.tasks, table.label_counts, self.score)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DesignWarning)
            value, pairs = self._value(observed)
        rules = Constraints(max_groups=min(max_groups, n_tasks))
        trials = TRIALS if n_tasks > 1 else 1
        found = search_groups(Objective(value, rules), trials=trials, seed=self.seed)
        return found.best, pairs

    def _value(self, observed: Observations) -> tuple[GroupValue, pd.DataFrame]:
        tasks, subsets = self.table.tasks, observed.subsets(N_TRAIN)
        sizes = subsets.indicators.sum(axis=1)
        if ((sizes > 1) & (sizes < len(tasks))).sum() < FEW:
            # Too few subsets to hold some out and choose a surrogate by them: effects are linear,
            # and what so few tell nothing of moves no group.
            pairs = self._few(subsets)
            effects = np.zeros((len(tasks), len(tasks)))
            if len(pairs):
                effects = np.nan_to_num(pair_matrix(pairs, tasks, "relevance"))
            return LinearValue(np.nan_to_num(subsets.single.mean(axis=0)), effects), pairs
        settings = AnalyzeSettings(
            score=self.score, curve_score="d2", ridge="evidence", held_out=0.25, fdr=FDR,
            seed=self.seed,
        )  # fmt: skip
        n_labels = self.table.label_counts.sum(axis=1)
        analysis = SubsetAnalysis.of(subsets, tasks, n_labels, settings)
        tables = analysis.tables()
        value = group_value(
            analysis.surrogate,
            tables["surrogates"],
            tables["relevance"],
            subset_score_table(subsets, tasks, self.score),
            n_labels,
            0.0,
            self.score,
        )
        return value, tables["relevance"]

    def _few(self, subsets: SubsetScores) -> pd.DataFrame:
        """Relevances of few subsets; no rows where they are fewer than any surrogate needs."""
        try:
            found = subset_relevance(subsets, "evidence", FDR)
        except ValueError:
            return pd.DataFrame(
                columns=["target", "source", "relevance", "standard_error", "verdict"]
            )
        return relevance_table(found, self.table.tasks)

    def compare(self, found: GroupingResult) -> Judged:
        """The portfolio that is recommended, judged with fresh seeds on test labels."""
        n_tasks, fresh = self.table.n_tasks, Phase(self.repeats(True), N_TRAIN)
        shown = ("base rate", *self.others, "single-task", "all together")
        ways = make_ways(self.learner, self.others, n_tasks, found.groups, {})
        contest = Contest(
            self.table,
            [way for way in ways if way.name in shown],
            make_candidates(self.learner, self.others, n_tasks, found.groups, found.served_by),
            fresh,
            fresh,
        )
        return contest.judge(self.results(contest.needed), self.seed)

    def mean_scores(self, judged: Judged) -> pd.DataFrame:
        """Mean test scores of each way, a row a task; rivals recalibrated, as the blend is."""
        scores = {
            name: one.recalibrated.column(self.score).values.mean(axis=0)
            for name, one in judged.scores.items()
        }
        return pd.DataFrame(scores)

    def final_models(self, recommended: Candidate) -> tuple[Trained, ...]:
        """The models of a portfolio, trained on all labels but those that stop the training."""
        stopping = self.repeats(False)[0].folds.validation
        result = []
        for model in recommended.models:
            fit = model.final_fit(self.table, self.seed)
            learner = self.learners[fit.learner]
            if learner.stops_early:
                fit = model.final_fit(self.table, self.seed, stopping)
            result.append(learner.fit(self.table, fit))
        return tuple(result)
