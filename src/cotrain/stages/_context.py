"""What stages have in common: the learners of a study by their recipes, and its runs in MLflow."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cotrain.allocation import WAYS
from cotrain.exceptions import SettingsError, missing_package
from cotrain.settings import Section
from cotrain.study import Study
from cotrain.tasks import file_version
from cotrain.tracking import RunContext, Tracker, open_tracker
from cotrain.training import Learner, Learners, make_learner
from cotrain.tuning import Recipes, plain_settings


def run_context(study: Study, data_version: str) -> RunContext:
    settings = study.settings
    return RunContext(
        data_version=data_version,
        git_commit=git_commit(study),
        params=dict(_flat({"plan": settings.plan.model_dump()})),
        learners={
            name: dict(_flat({"learner": plain_settings(learner.settings)}))
            for name, learner in study_learners(study).items()
        },
        scores=analysed_scores(study),
        dataset=settings.fetch.kind,
    )


def log_summary(
    study: Study, stage: str, figures: Mapping[str, float], files: Sequence[Path] = ()
) -> Tracker:
    """The summary run of a stage, beside the study's settings; where it was written."""
    tracker = open_tracker(study.home)
    params = run_context(study, file_version(study.table)).params
    tracker.log_summary(stage, params, figures, files)
    return tracker


def analysed_scores(study: Study) -> tuple[str, ...]:
    analyze = study.settings.analyze
    return tuple(dict.fromkeys((analyze.score, analyze.curve_score, "d2")))


def git_commit(study: Study) -> str | None:
    """The commit that the study's folder is at; None outside git and before a first commit."""
    asked = ["git", "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        done = subprocess.run(asked, cwd=study.folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None


def _flat(section: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def study_learners(study: Study) -> Learners:
    """Each learner of the settings with its recipe for each way of training: `network/single`.

    Without tuning all ways are trained with the settings as they are in params.yaml.
    """
    learners = study.settings.learners
    found = Learners()
    if study.settings.tune.trials == 0:
        for name in learners:
            plain = settings_learner(study, name)
            found.update({f"{name}/{way}": plain for way in WAYS})
        return found
    recipes = Recipes.load(study.recipes, learners).root
    for name, settings in learners.items():
        for way in WAYS:
            tuned = type(settings).model_validate(recipes[name].recipe(way).settings)
            found[f"{name}/{way}"] = settings_learner(study, name, tuned)
    return found


def settings_learner(study: Study, name: str, settings: Section | None = None) -> Learner:
    """A learner with its settings as they are in params.yaml, or others."""
    where = f"{study.folder / 'params.yaml'}: `learners.{name}`"
    return made(where, settings or study.settings.learners[name])


def made(where: str, settings: Section) -> Learner:
    try:
        return make_learner(settings)
    except (ValueError, ImportError) as error:
        why = missing_package(error) if isinstance(error, ImportError) else None
        raise SettingsError(f"{where}: {why or error}") from error
