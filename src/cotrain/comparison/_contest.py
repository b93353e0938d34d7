"""One contest of ways to predict: what is compared, what it trains, how it scores."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Literal

import numpy as np

from cotrain.allocation import Fit
from cotrain.comparison._evaluate import Repeat, WayScores, score_portfolio, score_ways
from cotrain.comparison._models import Model, Phase, Way, distinct, draws, models_of
from cotrain.comparison._outputs import repeat_outputs
from cotrain.comparison._portfolio import Candidate, Choice, choose_portfolio
from cotrain.grouping import Grouping, single_tasks, together
from cotrain.tasks import TaskTable
from cotrain.training import FitResult

RECOMMENDED = "recommended"
BASE_RATE = "base rate"


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


def make_ways(
    learner: str,
    others: Sequence[str],
    n_tasks: int,
    recommended: Grouping,
    rivals: Mapping[str, Sequence[Grouping]],
    stops: Sequence[str] = (),
) -> list[Way]:
    """The ways to predict that the recommended portfolio is compared with.

    `learner` is the one that transfer was measured with, `others` train each task by itself, or all
    together; `stops` name the joint learner stopped early (ACS, 2025). `recommended` is what the
    search found, `rivals` are other groupings by name; those of one name are averaged.
    """
    every = tuple(range(n_tasks))
    checkpoints = tuple(Model(name, every) for name in stops)
    ways = [
        Way(BASE_RATE, ()),
        *(Way(name, (Model(name, every),)) for name in others),
        Way("single-task", models_of(learner, single_tasks(n_tasks))),
        Way("all together", models_of(learner, together(n_tasks))),
        Way("ensemble", _ensemble(learner, n_tasks, recommended)),
        Way("grouping", models_of(learner, recommended), served=True),
        Way("checkpoints", checkpoints, served=True),
        *(
            Way(name, models_of(learner, grouping), served=True)
            for name, groupings in rivals.items()
            for grouping in groupings
        ),
    ]
    return [way for way in ways if way.models or way.name == BASE_RATE]


def make_candidates(
    learner: str,
    others: Sequence[str],
    n_tasks: int,
    recommended: Grouping,
    served_by: Sequence[int] = (),
) -> list[Candidate]:
    """The portfolios that can be recommended, from the fewest models on; arguments as `make_ways`.

    A task of several groups is predicted by the one that `served_by` names, by its place, alone;
    empty: by their mean. Of two with the same models the first is kept.
    """
    every = tuple(range(n_tasks))
    rest = tuple(Model(name, every) for name in others)
    alone = models_of(learner, single_tasks(n_tasks))
    ensemble = _ensemble(learner, n_tasks, recommended)
    groups = models_of(learner, recommended, served_by)
    # A group of all tasks is one of the ensemble's models already.
    more = tuple(model for model in groups if replace(model, serves=()) not in ensemble)
    candidates = [
        Candidate(BASE_RATE, ()),
        *(Candidate(model.learner, (model,)) for model in rest),
        Candidate("all together", models_of(learner, together(n_tasks))),
        Candidate("single-task", alone),
        Candidate("ensemble", ensemble),
        Candidate("grouping", groups),
        # Without other learners the next two are the same models as above.
        Candidate("single-task and other learners", (*alone, *rest)),
        Candidate("ensemble and other learners", (*ensemble, *rest)),
        Candidate("ensemble and single-task", (*ensemble, *alone)),
        Candidate("ensemble and grouping", (*ensemble, *more)),
        Candidate("all models", (*ensemble, *more, *alone, *rest)),
    ]
    seen: dict[frozenset[Model], Candidate] = {}
    for one in candidates:
        seen.setdefault(frozenset(one.models), one)
    return sorted(seen.values(), key=lambda one: len(one.models))


def _ensemble(learner: str, n_tasks: int, recommended: Grouping) -> tuple[Model, ...]:
    """As many joint models as the grouping has, so that they cost the same."""
    return draws(learner, range(n_tasks), max(len(recommended), 2))
