"""What is to be known of a study's runs in MLflow."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cotrain.stages._learners import study_learners
from cotrain.study import Study
from cotrain.tasks import file_version
from cotrain.tracking import RunContext, Tracker, open_tracker


def run_context(study: Study, data_version: str) -> RunContext:
    settings = study.settings
    return RunContext(
        data_version=data_version,
        git_commit=git_commit(study),
        params=dict(_flat({"plan": settings.plan.model_dump()})),
        learners={
            name: dict(_flat({"learner": learner.settings.model_dump(mode="json")}))
            for name, learner in study_learners(study).items()
        },
        scores=tuple(dict.fromkeys((settings.analyze.score, settings.analyze.curve_score, "d2"))),
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
