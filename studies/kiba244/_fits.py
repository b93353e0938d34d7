"""Training and reading of fits, for the stages that the study adds to those of `cotrain`."""

from pathlib import Path
from typing import Literal

import pandas as pd

from cotrain.allocation import Fit, Plan
from cotrain.analysis import Observations
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.training import (
    FitFailure,
    Journal,
    fit_rows,
    fit_table,
    load_fit_table,
    make_learner,
    sweep,
)

STUDY = Study(Path(__file__).parent)


def plan_of(name: str, fits: list[Fit], table_path: Path) -> Plan:
    """The plan of `fits` on a task table, by their identities."""
    learner = make_learner(STUDY.settings.learner)
    return Plan.of(name, fits, file_version(table_path), {"network": learner.identity()})


def train(plan_name: str, fits: list[Fit], table_path: Path) -> pd.DataFrame:
    """The fit table of `fits`; those in the study's journal are not trained again."""
    settings, journal = STUDY.settings, Journal(STUDY.journal)
    table, learner = TaskTable.load(table_path), make_learner(settings.learner)
    plan = plan_of(plan_name, fits, table_path)
    recorded = journal.recorded()
    missing = {fit: key for key, fit in plan.fits.items() if key not in recorded}
    for fit, outcome, seconds in sweep(learner, table, list(missing), settings.train):
        if isinstance(outcome, FitFailure):
            raise RuntimeError(f"{plan_name}: {outcome.reason}")
        journal.write(missing[fit], outcome, seconds)
    return fit_table(
        fit_rows(table, plan_name, key, fit, journal.read(key)) for key, fit in plan.fits.items()
    )


def observe(names: list[str], score: str, labels: Literal["val", "test"] = "val") -> Observations:
    """Scores of the fits of cotrain's plans, and the labels they were trained on."""
    fits = {key: fit for name in names for key, fit in Plan.load(STUDY.plan(name)).fits.items()}
    runs = pd.concat([load_fit_table(STUDY.fits(name)) for name in names])
    table = TaskTable.load(STUDY.table)
    return Observations.of(runs, fits, table.tasks, table.label_counts, score, labels)
