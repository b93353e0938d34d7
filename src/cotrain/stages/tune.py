"""Recipes of the learners for each way of training, found on validation labels."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from cotrain.allocation import Fit, fit_id
from cotrain.exceptions import SettingsError
from cotrain.files import write_csv, write_sums
from cotrain.settings import TuneSettings, minutes
from cotrain.stages._learners import settings_learner
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.training import FitResult, Journal, Learner, Outcome, sweep
from cotrain.tuning import LearnerRecipes, Recipes

if TYPE_CHECKING:  # Optuna, which a study that tunes nothing does without
    from cotrain.tuning._tune import Tuning

_REPEATS = 2  # of each fit of a trial, so that two cores are busy
_COLUMNS = ["learner", "way", "trial", "complete", "d2", "settings"]


def run(study: Study, budget: str | None = None) -> str:
    settings = study.settings.tune
    if budget is not None:
        try:
            settings = settings.model_copy(update={"budget": minutes(budget)})
        except ValueError as error:
            raise SettingsError(f"--budget {error}") from error
    if settings.trials == 0:
        found = {name: LearnerRecipes.of(one, {}) for name, one in study.settings.learners.items()}
        _write(study, found, [])
        return "tune: `tune.trials` is 0, so settings stay as they are in params.yaml"
    from cotrain.tracking import open_tracker

    tuning = _tuning(study, settings)
    recipes, rows, said = {}, [], []
    runs: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for name in study.settings.learners:
        recipes[name], trials = tuning.tune(name, settings_learner(study, name))
        for way, tried in trials.items():
            recipe = recipes[name].recipe(way)
            for number, one in enumerate(tried):
                plain = json.dumps(one.settings.model_dump(mode="json"))
                rows.append((name, way, number, one.complete, one.d2, plain))
            params = {f"learner.{key}": value for key, value in recipe.settings.items()}
            figures = {f"trial_d2/{number}": one.d2 for number, one in enumerate(tried)}
            figures |= recipe.model_dump(exclude={"settings"})
            runs[f"tune {name}/{way}"] = params, figures
            said.append(
                f"{name}/{way}: D² {recipe.untuned_d2:.3f} as it was, {recipe.d2:.3f} "
                f"by {len(tried)} trials"
            )
    _write(study, recipes, rows)
    tracker = open_tracker(study.home)
    for title, (params, figures) in runs.items():
        tracker.log_summary(title, params, figures, [study.recipes.with_name("trials.csv")])
    return "\n".join(said) or "tune: no learner has anything to tune"


def _tuning(study: Study, settings: TuneSettings) -> "Tuning":
    from cotrain.tuning._tune import Tuning

    table, version = TaskTable.load(study.table), file_version(study.table)
    journal, plan = Journal(study.journal), study.settings.plan

    def evaluate(learner: Learner, fits: Sequence[Fit]) -> list[Outcome]:
        """Each fit's outcome, trained if the journal lacks it."""
        keys = {fit: fit_id(version, fit, learner.identity()) for fit in fits}
        stored = {fit: journal.read(key) for fit, key in keys.items()}
        done: dict[Fit, Outcome] = {fit: one for fit, one in stored.items() if one is not None}
        missing = [fit for fit in fits if fit not in done]
        for fit, outcome, seconds in sweep(learner, table, missing, study.settings.train):
            if isinstance(outcome, FitResult):
                journal.write(keys[fit], outcome, seconds)
            done[fit] = outcome
        return [done[fit] for fit in fits]

    return Tuning(
        table,
        version,
        plan.subset_level,
        study_repeats(study.settings, _REPEATS, plan.seed),
        settings,
        evaluate,
        study.home / ".cotrain" / "tune" / "trials.log",
    )


def _write(study: Study, recipes: dict[str, LearnerRecipes], rows: list[tuple[Any, ...]]) -> None:
    Recipes(recipes).save(study.recipes)
    write_csv(study.recipes.with_name("trials.csv"), pd.DataFrame(rows, columns=_COLUMNS))
    write_sums(study.recipes.parent)
