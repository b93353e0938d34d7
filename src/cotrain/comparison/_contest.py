"""One contest of ways to predict: what it trains, and what its models say and score."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

import numpy as np

from cotrain.allocation import Fit
from cotrain.comparison._evaluate import Repeat, WayScores, score_portfolio, score_ways
from cotrain.comparison._models import Model, Phase, Way, distinct
from cotrain.comparison._outputs import repeat_outputs
from cotrain.comparison._portfolio import Candidate, Choice, choose_portfolio
from cotrain.tasks import TaskTable
from cotrain.training import FitResult

RECOMMENDED = "recommended"


@dataclass(frozen=True, eq=False)
class Judged:
    """The portfolio that is recommended, and how it and its rivals score."""

    choice: Choice
    recommended: Candidate  # the chosen one, without roles that are not worth their models
    weights: np.ndarray  # (K, n_roles): of its blend
    scores: dict[str, WayScores]  # on test labels, by way, the recommended one first
    repeats: list[Repeat]  # the outputs that both follow from


@dataclass(frozen=True)
class Contest:
    """Ways to predict, and the portfolios that can be recommended.

    Models of `first` choose by validation labels, those of `final` report on test labels. Learners
    named by `stopping`, whose training stops by validation labels, report with those that chose.
    """

    table: TaskTable
    ways: Sequence[Way]
    candidates: Sequence[Candidate]
    first: Phase
    final: Phase
    stopping: Collection[str] = ()

    @cached_property
    def choosing(self) -> dict[Model, list[Fit]]:
        """The fits of each model that validation labels choose by, one a repeat."""
        models = distinct([*self.ways, *(Way(one.name, one.models) for one in self.candidates)])
        return {model: self._fits(model, self.first) for model in models}

    @cached_property
    def reporting(self) -> dict[Model, list[Fit]]:
        """The fits of each model that test labels report on, one a repeat."""
        return {
            model: own if own[0].learner in self.stopping else self._fits(model, self.final)
            for model, own in self.choosing.items()
        }

    @property
    def needed(self) -> list[Fit]:
        """All of them, each once."""
        several = [*self.choosing.values(), *self.reporting.values()]
        return list(dict.fromkeys(chain.from_iterable(several)))

    def outputs(self, results: Mapping[Fit, FitResult]) -> list[Repeat]:
        """What the models say of the validation and of the test labels of each repeat."""
        chosen = repeat_outputs(self.table, self.choosing, results, self.first, "validation")
        reported = repeat_outputs(self.table, self.reporting, results, self.final, "test")
        return list(zip(chosen, reported, strict=True))

    def judge(
        self,
        results: Mapping[Fit, FitResult],
        seed: int,
        objective: Literal["mean", "worst"] = "mean",
        primary: Sequence[int] = (),
    ) -> Judged:
        """The portfolio to recommend, by results that hold predictions; as `choose_portfolio`."""
        repeats = self.outputs(results)
        validations = [validation for validation, _ in repeats]
        choice = choose_portfolio(self.candidates, validations, seed, objective, primary)
        recommended = choice.recommended.pruned(validations, seed)
        scored, weights = score_portfolio(recommended, repeats, seed)
        scores = {RECOMMENDED: scored, **score_ways(self.ways, repeats, seed)}
        return Judged(choice, recommended, weights, scores, repeats)

    def _fits(self, model: Model, phase: Phase) -> list[Fit]:
        n_tasks = self.table.n_tasks
        return [model.fit(n_tasks, phase.level, one) for one in phase.repeats]
