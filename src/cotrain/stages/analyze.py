"""Surrogates, effects and learning curves of the runs in MLflow."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cotrain import analysis
from cotrain import tables as contract
from cotrain.allocation import Plan
from cotrain.files import write_json, write_sums
from cotrain.gradients import AffinityRecord, load_records
from cotrain.progress import Steps
from cotrain.settings import AnalyzeSettings, Settings
from cotrain.stages._context import run_context
from cotrain.stages._learners import study_learners
from cotrain.stages._repeats import recorded_fits
from cotrain.study import Study
from cotrain.surrogates import DesignWarning
from cotrain.tables import pair_matrix
from cotrain.tasks import TaskTable, file_version
from cotrain.tracking import open_tracker
from cotrain.training import Learners, load_fit_table

PLANS = ("subsets", "augmentations")
PLACEBO = "placebo"


def run(study: Study) -> str:
    # What stays unknown is said by the tables, by name.
    quiet = warnings.catch_warnings(action="ignore", category=DesignWarning)
    with quiet, Steps("analyze", 6) as step:
        return _run(study, step)


def _run(study: Study, step: Steps) -> str:
    analyze, plan = study.settings.analyze, study.settings.plan
    step("reading the runs")
    runs = Runs.of(study)
    tasks = runs.table.tasks
    records = load_records(study.affinity)
    affinities = analysis.affinity_table(records, tasks)
    step("surrogates of subsets")
    subsets = runs.observe(PLANS[:1], analyze.score).subsets(plan.subset_level)
    n_labels = runs.table.label_counts.sum(axis=1)
    affinity = pair_matrix(affinities, tasks, "affinity")
    found = analysis.SubsetAnalysis.of(subsets, tasks, n_labels, analyze, affinity)
    step("learning curves")
    every = runs.observe(PLANS, analyze.curve_score)
    grid = every.grid(plan.augmentations.levels, plan.augmentations.repeats)
    curves, fits = analysis.curve_table(every, tasks, analyze.seed)
    step("what labels are worth")
    labels = analysis.LabelTables.of(every, tasks, plan.subset_level, analyze.seed)
    step("pairs of tasks")
    over_levels, at_levels = analysis.pairwise_tables(grid, tasks, analyze.fdr)
    tables = {
        "transfer": analysis.transfer_table(subsets, tasks, analyze.score, analyze.fdr),
        **found.tables(),
        "subset_scores": analysis.subset_score_table(subsets, tasks, analyze.score),
        "pairwise": over_levels,
        "pairwise_levels": at_levels,
        "curves": curves,
        "curve_points": analysis.curve_points(every, fits, tasks),
        "exchange_rates": labels.exchange_rates,
        "next_labels": labels.next_labels,
    }
    step("skill and the placebo")
    explained = runs.observe(PLANS[:1], "d2").subsets(plan.subset_level)
    skill = analysis.skilled_tasks(explained, tasks, analyze.fdr)
    placebo = runs.placebo(analyze)
    tables["task_skill"] = skill
    skilled = set(skill.loc[skill["skilled"], "task"])
    tables["relevance"] = analysis.withhold(tables["relevance"], placebo, skilled, analyze.fdr)
    clusters = runs.clusters([task in skilled for task in tasks])
    tables["clusters"] = analysis.cluster_table(grid, clusters, tasks, analyze.fdr)
    for name in ("transfer", "pairwise", "pairwise_levels"):
        tables[name] = analysis.withhold(tables[name], None, skilled, analyze.fdr)
    tables["affinity"] = affinities
    tables["affinity_steps"] = analysis.affinity_steps(records)
    learners = study_learners(study)
    tables["costs"] = measure_costs(study.settings, runs.table, runs.plans, records, learners)
    harm = [tables["negative_transfer"], analysis.affinity_figures(found, affinities)]
    tables["negative_transfer"] = pd.concat(harm, ignore_index=True)
    contract.write_all(study.analysis, tables)
    # Claims that the placebo makes, before they are held against anything.
    claims = None if placebo is None else placebo["verdict"].value_counts()
    summary = {
        "score": analyze.score,
        "curve_score": analyze.curve_score,
        "n_levels": len(plan.augmentations.levels),
        **found.summary(),
        "skill_tasks": int(skill["skilled"].sum()),
        "placebo_helps": None if claims is None else int(claims.get("helps", 0)),
        "placebo_hurts": None if claims is None else int(claims.get("hurts", 0)),
        **({"primary": plan.primary} if plan.primary else {}),
    }
    write_json(study.analysis / "summary.json", summary)
    write_sums(study.analysis)
    unknown = f"; no exchange rates of labels: {labels.reason}" if labels.reason else ""
    left_out = "" if records else "; no gradient affinities: none were recorded"
    return f"{verdicts(tables['relevance'])}; {found.describe()}{unknown}{left_out}"


def verdicts(relevance: pd.DataFrame) -> str:
    counts = relevance["verdict"].value_counts()
    withheld = relevance["withheld"].value_counts()
    said = ", ".join(
        f"{counts.get(verdict, 0)} {words}"
        for verdict, words in (("helps", "pairs help"), ("hurts", "hurt"), ("undecided", "open"))
    )
    reasons = ", ".join(f"{n} by {why}" for why, n in withheld.items() if why)
    return f"{said} (withheld: {reasons})" if reasons else said


@dataclass(frozen=True, eq=False)
class Runs:
    """The fits of a study's plans and what MLflow holds of them."""

    table: TaskTable
    plans: dict[str, Plan]
    scores: pd.DataFrame  # of validation, one row a (fit, task)

    @classmethod
    def of(cls, study: Study) -> "Runs":
        """Bring MLflow in line with the fit tables, then query it; what it says equals them."""
        table = TaskTable.load(study.table)
        version = file_version(study.table)
        context = run_context(study, version)
        tracker = open_tracker(study.home)
        plans, scores = {}, []
        known = study_learners(study).identities()
        for name in (*PLANS, PLACEBO):
            rows = load_fit_table(study.fits(name))
            scores.append(tracker.synced_scores(rows, context))
            plans[name] = analysis.trained_plan(Plan.load(study.plan(name)), rows, version, known)
        return cls(table, plans, pd.concat(scores, ignore_index=True))

    def observe(self, plans: Sequence[str], score: str) -> analysis.Observations:
        fits = {key: fit for name in plans for key, fit in self.plans[name].fits.items()}
        counts = self.table.label_counts
        return analysis.Observations.of(self.scores, fits, self.table.tasks, counts, score)

    def clusters(self, skilled: Sequence[bool]) -> list[list[int]]:
        """Skilled tasks whose labels correlate, test labels aside; none where pairs are few."""
        table, fits = self.table, self.plans["augmentations"].fits
        if table.n_tasks < analysis.MANY_TASKS or not fits:
            return []
        test = next(iter(fits.values())).folds.test
        found = analysis.task_clusters(table.labels, ~np.isin(table.folds, test))
        kept = [[task for task in cluster if skilled[task]] for cluster in found]
        return [cluster for cluster in kept if len(cluster) > 1]

    def placebo(self, analyze: AnalyzeSettings) -> pd.DataFrame | None:
        """The relevances that are found where nothing can be learnt; None without a placebo."""
        plan = self.plans[PLACEBO]
        if not len(plan):
            return None
        level = next(iter(plan.fits.values())).level
        subsets = self.observe([PLACEBO], analyze.score).subsets(level)
        found = analysis.subset_relevance(subsets, analyze.ridge, analyze.fdr)
        return analysis.relevance_table(found, self.table.tasks)


def measure_costs(
    settings: Settings,
    table: TaskTable,
    plans: Mapping[str, Plan],
    records: Sequence[AffinityRecord],
    learners: Learners,
) -> pd.DataFrame:
    """What each measure of pairs costs; recording lasts in proportion to its operations."""
    fits = [fit for name in PLANS for fit in plans[name].fits.values()]
    subsets = plans["subsets"].fits.values()
    measures = {
        "affinity": recorded_fits(settings, table.n_tasks) if records else [],
        "surrogate relevance": [fit for fit in subsets if fit.kind in ("single", "subset")],
        "statTAG": analysis.grid_fits(fits, settings.plan.augmentations, table.n_tasks),
    }
    recording, training = (
        sum(getattr(one, name) for one in records) for name in ("record_flops", "flops")
    )
    factors = {"affinity": 1 + recording / training} if records else {}
    return analysis.cost_table(
        table, learners, {name: own for name, own in measures.items() if own}, factors
    )
