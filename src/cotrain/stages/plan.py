"""The lists of fits to train."""

import math
from collections.abc import Callable
from dataclasses import replace

import joblib

from cotrain.allocation import (
    Fit,
    Identities,
    Plan,
    all_together,
    augmentations,
    by_recipe,
    random_subsets,
    single_tasks,
    subset_fit,
)
from cotrain.analysis import make_rounds
from cotrain.exceptions import SettingsError
from cotrain.settings import Settings
from cotrain.stages._learners import study_learners
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.training import Journal, Learners, can_learn, estimate_seconds, load_fit_table


def run(study: Study) -> str:
    settings = study.settings
    table = TaskTable.load(study.table)
    version = file_version(study.table)
    learners = study_learners(study)
    try:
        plans = make_plans(
            settings,
            table.n_tasks,
            version,
            learners.identities(),
            lambda fit: can_learn(table, fit),
        )
    except ValueError as error:
        raise SettingsError(f"{study.folder / 'params.yaml'}: section `plan`: {error}") from error
    journal = Journal(study.journal)
    for path in sorted(study.fits("any").parent.glob("*.parquet")):
        journal.absorb(load_fit_table(path))
    for plan in plans:
        plan.save(study.plan(plan.name))
    return "\n".join(_describe(plan, table, learners, settings, journal) for plan in plans)


def make_plans(
    settings: Settings,
    n_tasks: int,
    version: str,
    known: Identities,
    learnable: Callable[[Fit], bool] = lambda _: True,
) -> list[Plan]:
    """The plans of a study: subsets, then the statTAG grid without what they share.

    With adaptive sampling the subsets are those of the first round. Curves lack the fits of one
    task that are not `learnable`: its first folds may hold a single class.
    """
    plan = settings.plan
    subsets_of, grid = plan.subsets, plan.augmentations
    subset_repeats, grid_repeats = (
        study_repeats(settings, n_repeats, plan.seed)
        for n_repeats in (subsets_of.repeats, grid.repeats)
    )
    rounds = make_rounds(
        subsets_of, n_tasks, settings.analyze.score, settings.analyze.fdr, plan.seed
    )
    subsets = random_subsets(
        n_tasks,
        rounds.n_round if rounds else subsets_of.n_subsets,
        subsets_of.min_size,
        subsets_of.max_size,
        plan.seed,
    )
    level = plan.subset_level
    fits = all_together(n_tasks, level, subset_repeats)
    fits += single_tasks(n_tasks, level, subset_repeats)
    fits += [
        subset_fit(n_tasks, members, level, rotation)
        for members in subsets
        for rotation in subset_repeats
    ]
    first = Plan.of("subsets", by_recipe(plan.learner, fits), version, known, rounds=rounds)
    placebo = [
        replace(fit, placebo=plan.seed + fit.repeat)
        for fit in first.fits.values()
        if fit.repeat < plan.placebo.repeats
        and (fit.kind != "subset" or fit.members in subsets[: plan.placebo.n_subsets])
    ]
    if plan.placebo.n_subsets == 0:
        placebo = []
    fits = augmentations(n_tasks, grid.levels, grid_repeats)
    # The curves of each task alone and of all together, up to the top level.
    for level in range(1, plan.train_folds + 1):
        fits += filter(learnable, single_tasks(n_tasks, level, grid_repeats))
        fits += all_together(n_tasks, level, grid_repeats)
    fits = by_recipe(plan.learner, fits)
    return [
        first,
        Plan.of("placebo", placebo, version, known),
        Plan.of("augmentations", fits, version, known, without=[first]),
    ]


def _describe(
    plan: Plan, table: TaskTable, learners: Learners, settings: Settings, journal: Journal
) -> str:
    recorded = journal.recorded()
    missing = [fit for key, fit in plan.fits.items() if key not in recorded]
    measured = {plan.fits[key]: took for key, took in journal.seconds(plan).items()}
    seconds = float(sum(estimate_seconds(learners, table, missing, measured)))
    minutes = math.ceil(seconds / 60 / (settings.train.workers or joblib.cpu_count()))
    more = ""
    if plan.rounds is not None:
        n_subsets = plan.rounds.n_subsets - len(plan.subsets)
        more = f"; up to {n_subsets} subsets more will be chosen by what these show"
    return (
        f"{plan.name}: {len(plan)} fits, {len(plan) - len(missing)} already recorded, "
        f"about {minutes} min for the others{more}"
    )
