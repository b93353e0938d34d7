"""Train what a plan lacks, keep it, log it: what the stages that train have in common."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import pandas as pd

from cotrain.allocation import Fit, Plan
from cotrain.exceptions import CotrainError
from cotrain.progress import Progress
from cotrain.stages._context import run_context
from cotrain.stages._learners import study_learners
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.tracking import RunContext, Tracker, open_tracker
from cotrain.training import (
    SCORE_COLUMNS,
    FitFailure,
    FitResult,
    Journal,
    Learners,
    Outcome,
    Rows,
    describe_fit,
    fit_rows,
    fit_table,
    sweep_learners,
)

# Fits are handed to MLflow so many at once, or after so many seconds: one call serves many runs.
_FITS_A_CALL = 100
_SECONDS_A_CALL = 10.0


class FitLog:
    """Gathers finished fits and logs them to MLflow in bulk.

    What is still held back when the sweep is interrupted is logged on the way out; what a kill
    takes away, the next `sync` brings back from the fit table.
    """

    def __init__(self, tracker: Tracker, run: RunContext) -> None:
        self._tracker = tracker
        self._run = run
        self._rows: list[Rows] = []
        self._last_call = time.monotonic()

    def add(self, rows: Rows) -> None:
        self._rows.append(rows)
        waited = time.monotonic() - self._last_call
        if len(self._rows) >= _FITS_A_CALL or waited >= _SECONDS_A_CALL:
            self.close()

    def close(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            self._tracker.log_fits(fit_table(rows), self._run)
        self._last_call = time.monotonic()


@dataclass(frozen=True)
class Trainer:
    """Trains the plans of a study, keeps and logs their fits."""

    study: Study
    table: TaskTable
    data_version: str
    journal: Journal
    tracker: Tracker
    run: RunContext
    learners: Learners

    @classmethod
    def of(cls, study: Study) -> "Trainer":
        table = TaskTable.load(study.table)
        version = file_version(study.table)
        return cls(
            study,
            table,
            version,
            Journal(study.journal),
            open_tracker(study.home),
            run_context(study, version),
            study_learners(study),
        )

    def train(self, plan: Plan) -> pd.DataFrame:
        """The fit table of a plan, after training what the journal lacks."""
        return self.table_of(plan, self.results(plan))

    def table_of(self, plan: Plan, results: Mapping[str, FitResult]) -> pd.DataFrame:
        return fit_table(
            fit_rows(self.table, plan.name, key, fit, results[key])
            for key, fit in plan.fits.items()
        )

    def results(self, plan: Plan, predictions: bool = False) -> dict[str, FitResult]:
        """The result of each fit of a plan, after training what the journal lacks.

        With `predictions`, what the scores follow from is kept and returned too.
        """
        stored = {key: self.journal.read(key) for key in plan}
        results = {
            key: found
            for key, found in stored.items()
            if found is not None and not (predictions and found.predictions is None)
        }
        missing = {key: fit for key, fit in plan.fits.items() if key not in results}
        outcomes = self._train(plan.name, missing, predictions)
        results |= {key: done for key, done in outcomes.items() if isinstance(done, FitResult)}
        failed = [done for done in outcomes.values() if isinstance(done, FitFailure)]
        if failed:
            raise CotrainError(
                f"{len(failed)} of {len(missing)} fits of the plan `{plan.name}` failed, the first "
                f"because: {failed[0].reason}; all others are kept, and the next run tries again"
            )
        return {key: results[key] for key in plan}

    def log(self, plan: Plan, rows: pd.DataFrame) -> None:
        self.tracker.sync(rows, self.run)
        figures = _mean_scores(rows)
        measured = self.journal.seconds(plan)
        if len(measured) == len(plan):
            figures["seconds"] = sum(measured.values())
        self.tracker.log_summary(plan.name, self.run.params, figures)

    def _train(
        self, plan_name: str, fits: Mapping[str, Fit], predictions: bool
    ) -> dict[str, Outcome]:
        """Train `fits`, keep and log each as it is done; the outcomes by identity."""
        if not fits:
            return {}
        identity = {fit: key for key, fit in fits.items()}
        cost = dict(zip(identity, self.learners.cost(self.table, list(identity)), strict=True))
        outcomes: dict[str, Outcome] = {}
        results = sweep_learners(
            self.learners, self.table, list(identity), self.study.settings.train
        )
        # By cost, so that the time left holds though fits differ in length.
        shown = Progress(f"{plan_name}: {len(cost)} fits", float(sum(cost.values())))
        with closing(FitLog(self.tracker, self.run)) as log, shown as progress:
            for fit, outcome, seconds in results:
                key = identity[fit]
                outcomes[key] = outcome
                if isinstance(outcome, FitFailure):  # told at once: there should be few
                    failed = describe_fit(self.table, plan_name, key, fit)
                    failed |= {"reason": outcome.reason}
                    self.tracker.log_failures(pd.DataFrame([failed]), self.run)
                else:
                    self.journal.write(key, outcome, seconds, predictions)
                    log.add(fit_rows(self.table, plan_name, key, fit, outcome))
                progress.add(float(cost[fit]))
        return outcomes


def _mean_scores(rows: pd.DataFrame) -> dict[str, float]:
    """Number of fits, and mean validation scores by kind of fit, for the run of a whole plan."""
    columns = [name for name in SCORE_COLUMNS if name.startswith("val_")]
    means = rows.groupby("kind")[columns].mean()
    scores = {
        f"{kind}/{name}": float(value)
        for kind, row in means.iterrows()
        for name, value in row.dropna().items()
    }
    return {"n_fits": float(rows["fit_id"].nunique()), **scores}
