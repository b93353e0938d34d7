"""The recipes of one learner: every way of training searched with as many trials."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cotrain.allocation import WAYS, Rotation, Way
from cotrain.exceptions import CotrainError
from cotrain.settings import TuneSettings
from cotrain.tasks import TaskTable
from cotrain.training import Learner
from cotrain.tuning._recipes import LearnerRecipes, Recipe
from cotrain.tuning._sample import Sample, sample_fits
from cotrain.tuning._search import Evaluate, Tried, search_recipe, study_name


@dataclass(frozen=True)
class Tuning:
    """What is tuned on, and where trials are kept."""

    table: TaskTable
    data_version: str
    level: int  # training folds of each fit
    repeats: Sequence[Rotation]
    settings: TuneSettings
    evaluate: Evaluate  # the outcomes of a learner's fits, in their order
    storage: Path | None = None  # optuna's journal

    def tune(self, name: str, learner: Learner) -> tuple[LearnerRecipes, dict[Way, list[Tried]]]:
        """The recipes of a learner, and the trials of each way of training.

        A learner whose members do not learn from each other has one recipe for all ways.
        CotrainError if the budget is too small for one trial, or no fit can be trained.
        """
        if type(learner).suggest is Learner.suggest or self.settings.trials == 0:
            return LearnerRecipes.of(learner.settings, {}), {}
        ways = WAYS if learner.capabilities.multi_task else WAYS[:1]
        samples, n_trials = self._share(name, learner, ways)
        trials, seed = {}, self.settings.seed
        for way, sample in samples.items():
            study = study_name(f"{name}/{way}", self.data_version, learner, sample, seed)
            trials[way] = search_recipe(
                learner, self.table, sample, n_trials, seed, self.evaluate, self.storage, study
            )
        recipes = {way: _recipe(found) for way, found in trials.items()}
        if not learner.capabilities.multi_task:
            recipes = dict.fromkeys(WAYS, recipes["single"])
        return LearnerRecipes.of(learner.settings, recipes), trials

    def _share(
        self, name: str, learner: Learner, ways: Sequence[Way]
    ) -> tuple[Mapping[Way, Sample], int]:
        """What a trial of each way trains, and how many trials the budget has for each."""
        budget, seed = self.settings.budget, self.settings.seed
        each = math.inf if budget is None else 60 * budget / len(ways)
        seconds = each / self.settings.trials
        repeats = self.repeats
        if not learner.capabilities.seeded:  # the same folds again would train the same again
            repeats = list({one.folds: one for one in reversed(repeats)}.values())[::-1]
        found = {
            way: sample_fits(way, learner, self.table, self.level, repeats, seed, seconds)
            for way in ways
        }
        samples = {way: sample for way, sample in found.items() if sample is not None}
        dearest = max(sample.seconds for sample in samples.values())
        n_trials = min(self.settings.trials, each / dearest)
        if n_trials < 1:
            raise CotrainError(
                f"`tune.budget` is too small for one trial of `learners.{name}`: it takes about "
                f"{len(ways) * dearest / 60:.2g} minutes, got {budget:g}; raise it, or set "
                "`tune.trials: 0`"
            )
        return samples, int(n_trials)


def _recipe(trials: Sequence[Tried]) -> Recipe:
    """The best of the complete trials; the first, with the settings as they were, if none is."""
    values = [trial.d2 if trial.complete and np.isfinite(trial.d2) else -np.inf for trial in trials]
    best = trials[int(np.argmax(values))]
    return Recipe(
        settings=best.settings.model_dump(mode="json"),
        d2=best.d2,
        untuned_d2=trials[0].d2,
        n_trials=len(trials),
    )
