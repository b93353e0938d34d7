"""Surrogates, effects and learning curves of the runs in MLflow."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cotrain.allocation import Plan
from cotrain.files import write_csv, write_json
from cotrain.observations import Observations
from cotrain.stages._affinity_tables import (
    affinity_figures,
    affinity_steps,
    affinity_table,
    load_records,
)
from cotrain.stages._context import run_context
from cotrain.stages._cost_tables import cost_table
from cotrain.stages._curve_tables import (
    curve_points,
    curve_table,
    pairwise_curve_table,
    pairwise_table,
    transfer_table,
)
from cotrain.stages._label_tables import LabelTables
from cotrain.stages._rounds import trained_plan
from cotrain.stages._surrogate_tables import SubsetAnalysis
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.tracking import Tracker
from cotrain.training import load_fit_table

PLANS = ("subsets", "augmentations")


def run(study: Study) -> str:
    analyze, plan = study.settings.analyze, study.settings.plan
    runs = Runs.of(study)
    tasks = runs.table.tasks
    subsets = runs.observe(PLANS[:1], analyze.score).subsets(plan.subset_level)
    analysis = SubsetAnalysis.of(subsets, tasks, runs.table.label_counts.sum(axis=1), analyze)
    every = runs.observe(PLANS, analyze.curve_score)
    grid = every.grid(plan.augmentations.levels, plan.augmentations.repeats)
    curves, fits = curve_table(every, tasks, analyze.seed)
    labels = LabelTables.of(every, tasks, plan.subset_level, analyze.seed)
    tables = {
        "transfer": transfer_table(subsets, tasks, analyze.fdr),
        **analysis.tables(),
        "pairwise": pairwise_table(grid, tasks, analyze.fdr),
        "curves": curves,
        "pairwise_curves": pairwise_curve_table(every, tasks, analyze.seed),
        "curve_points": curve_points(every, fits, tasks),
        "exchange_rates": labels.exchange_rates,
        "next_labels": labels.next_labels,
    }
    records = load_records(study.affinity)
    tables["affinity"] = affinity_table(records, tasks)
    tables["affinity_steps"] = affinity_steps(records)
    tables["costs"] = cost_table(runs.table, study.settings, runs.plans, records)
    tables["negative_transfer"] = pd.concat(
        [tables["negative_transfer"], affinity_figures(analysis, tables["affinity"])],
        ignore_index=True,
    )
    for name, frame in tables.items():
        write_csv(study.analysis / f"{name}.csv", frame)
    summary = {
        "score": analyze.score,
        "curve_score": analyze.curve_score,
        "n_levels": len(plan.augmentations.levels),
        **analysis.summary(),
    }
    write_json(study.analysis / "summary.json", summary)
    unknown = f"; no exchange rates of labels: {labels.reason}" if labels.reason else ""
    return analysis.describe() + unknown


@dataclass(frozen=True, eq=False)
class Runs:
    """The fits of a study's plans and what MLflow holds of them.

    Attributes
    ----------
    table : TaskTable
    plans : dict of str to Plan
    scores : DataFrame
        Validation scores, one row a (fit, task).
    """

    table: TaskTable
    plans: dict[str, Plan]
    scores: pd.DataFrame

    @classmethod
    def of(cls, study: Study) -> "Runs":
        """Bring MLflow in line with the fit tables, then query it."""
        table = TaskTable.load(study.table)
        version = file_version(study.table)
        context = run_context(study, version)
        tracker = Tracker.open(study.home)
        plans = {}
        for name in PLANS:
            rows = load_fit_table(study.fits(name))
            tracker.sync(rows, context)
            plan = Plan.load(study.plan(name))
            plans[name] = trained_plan(plan, rows, version, study.settings.model.identity())
        identities = [key for plan in plans.values() for key in plan]
        return cls(table, plans, tracker.fit_scores(identities))

    def observe(self, plans: Sequence[str], score: str) -> Observations:
        """The fits of these plans with their scores."""
        fits = {key: fit for name in plans for key, fit in self.plans[name].fits.items()}
        counts = self.table.label_counts
        return Observations.of(self.scores, fits, self.table.tasks, counts, score)
