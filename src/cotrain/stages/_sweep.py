"""Train what a plan lacks, keep it, log it: what the stages that train have in common."""

from dataclasses import dataclass

import pandas as pd
from tqdm import tqdm

from cotrain.allocation import Fit, Plan
from cotrain.exceptions import CotrainError
from cotrain.settings import Settings
from cotrain.stages._log import FitLog
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.tracking import RunContext, Tracker
from cotrain.training import (
    FitFailure,
    FitScores,
    Journal,
    estimate_seconds,
    fit_rows,
    fit_table,
    make_engine,
    sweep,
)


@dataclass(frozen=True)
class Workbench:
    """What training needs of a study: the table, its version, the journal and the tracker."""

    study: Study
    settings: Settings
    table: TaskTable
    version: str
    journal: Journal
    tracker: Tracker

    @classmethod
    def of(cls, study: Study) -> "Workbench":
        return cls(
            study,
            study.settings,
            TaskTable.load(study.table),
            file_version(study.table),
            Journal(study.journal),
            Tracker.open(study.home),
        )

    @property
    def run(self) -> RunContext:
        """What is said of every run."""
        return run_context(self.study, self.version)

    def train(self, plan: Plan) -> pd.DataFrame:
        """The fit table of a plan, after training what the journal lacks.

        Raises
        ------
        CotrainError
            If fits failed; all others are kept.
        """
        stored = {key: self.journal.read(key) for key in plan}
        missing = {key: fit for key, fit in plan.fits.items() if stored[key] is None}
        outcomes = self._train_missing(plan.name, missing)
        failed = {key: done for key, done in outcomes.items() if isinstance(done, FitFailure)}
        if failed:
            raise CotrainError(
                f"{len(failed)} of {len(missing)} fits of the plan `{plan.name}` failed, the first "
                f"because {next(iter(failed.values())).reason}; all others are kept, and the next "
                f"run tries again"
            )
        scores = {**stored, **outcomes}
        rows = fit_table(
            fit_rows(self.table, plan.name, key, fit, scores[key])
            for key, fit in plan.fits.items()
        )
        self.tracker.sync(rows, self.run)
        return rows

    def _train_missing(self, plan_name: str, missing: dict[str, Fit]) -> dict[str, str]:
        """Train and keep `missing`; the reasons of those that failed, by identity."""
        settings = self.settings
        identity = {fit: key for key, fit in missing.items()}
        costs = estimate_seconds(self.table, list(missing.values()), settings.model)
        cost = dict(zip(identity, costs, strict=True))
        log = FitLog(self.tracker, self.run)
        failures: dict[str, str] = {}
        engine = make_engine(settings.model)
        progress = tqdm(
            total=float(sum(costs)),
            desc=f"training {len(missing)} fits",
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}",
            disable=None,
            delay=2,
        )
        with progress, log:
            for fit, outcome, seconds in sweep(
                engine, self.table, list(missing.values()), settings.model, settings.train
            ):
                key = identity[fit]
                if isinstance(outcome, FitFailure):
                    failures[key] = outcome.reason
                    self.tracker.log_failure(key, plan_name, fit, outcome.reason, self.run)
                else:
                    self.journal.write(key, outcome, seconds)
                    log.add(fit_rows(self.table, plan_name, key, fit, outcome))
                progress.update(float(cost[fit]))
        return failures
