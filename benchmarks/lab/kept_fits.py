"""Fits of a benchmark, kept as they are trained: a run goes on after a kill."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cotrain.allocation import Fit, fit_id
from cotrain.analysis import Observations
from cotrain.files import write_parquet
from cotrain.scores import SCORES
from cotrain.tasks import TaskTable
from cotrain.training import FitFailure, Learner, Outcome

_BATCH = 200


def kept_scores(
    path: Path, learner: Learner, table: TaskTable, version: str, fits: Sequence[Fit]
) -> dict[str, Observations]:
    """What the fits score on validation labels, by score; those that `path` lacks are trained.

    `version` is that of the task table's file.
    """
    settings = learner.settings.model_dump(mode="json")
    wanted = {fit_id(version, fit, settings): fit for fit in fits}
    rows = pd.read_parquet(path) if path.exists() else pd.DataFrame({"fit_id": []})
    missing = sorted(set(wanted) - set(rows["fit_id"]))
    for first in range(0, len(missing), _BATCH):
        batch = missing[first : first + _BATCH]
        outcomes = learner.evaluate(table, [wanted[key] for key in batch])
        found = [
            _rows(table, wanted[key], one).assign(fit_id=key)
            for key, one in zip(batch, outcomes, strict=True)
        ]
        rows = pd.concat([rows, *found], ignore_index=True)
        write_parquet(path, rows)
        print(f"{first + len(batch)} of {len(missing)} fits", flush=True)
    return {
        name: Observations.of(rows, wanted, table.tasks, table.label_counts, name)
        for name in SCORES
        if rows[f"val_{name}"].notna().any()
    }


def _rows(table: TaskTable, fit: Fit, outcome: Outcome) -> pd.DataFrame:
    """A row for each member: its name and validation scores."""
    if isinstance(outcome, FitFailure):
        raise RuntimeError(f"a fit of {len(fit.members)} tasks failed: {outcome.reason}")
    scores = pd.DataFrame(outcome.validation, columns=[f"val_{name}" for name in SCORES])
    return scores.assign(task=[table.tasks[task] for task in fit.members])
