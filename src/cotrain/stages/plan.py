"""The lists of fits to train."""

import math
from collections.abc import Callable, Collection, Sequence, Set
from dataclasses import replace

from cotrain.allocation import (
    Fit,
    Identities,
    Plan,
    all_together,
    augmentations,
    by_recipe,
    count_subsets,
    learner_name,
    random_subsets,
    single_tasks,
    subset_fits,
)
from cotrain.analysis import make_rounds
from cotrain.exceptions import SettingsError
from cotrain.settings import Settings, SubsetSettings
from cotrain.stages._checks import check_against, check_duration, check_fit_count, check_inputs
from cotrain.stages._learners import study_learners
from cotrain.stages._plan_sizes import MOST, what_is_decided, within_budget
from cotrain.stages._repeats import study_repeats
from cotrain.stages._validation_fits import foreseen_fits, with_checkpoints
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.training import Journal, Learners, can_learn, estimate_seconds, load_fit_table

_LONG = 10  # minutes that a rival may take without being told


def run(study: Study) -> str:
    plans, said = planned(study, TaskTable.load(study.table), file_version(study.table))
    for plan in plans:
        plan.save(study.plan(plan.name))
    return said


def planned(study: Study, table: TaskTable, version: str) -> tuple[list[Plan], str]:
    settings = study.settings
    check_against(settings, table)
    learners = study_learners(study)
    check_inputs(learners, table)
    journal = Journal(study.journal)
    for path in sorted(study.fits("any").parent.glob("*.parquet")):
        journal.absorb(load_fit_table(path))

    def plans_of(settings: Settings) -> list[Plan]:
        check_fit_count(settings, table.n_tasks)
        return make_plans(
            settings,
            table.n_tasks,
            version,
            learners.identities(),
            lambda fit: can_learn(table, fit),
            [table.tasks.index(name) for name in settings.plan.primary],
        )

    def minutes_of(plans: list[Plan], recorded: Collection[str] = ()) -> list[float]:
        """How long the fits of each take on all workers, about, but for those that are recorded."""
        found = []
        for plan in plans:
            missing = [fit for key, fit in plan.fits.items() if key not in recorded]
            measured = {plan.fits[key]: took for key, took in journal.seconds(plan).items()}
            seconds = float(sum(estimate_seconds(learners, table, missing, measured)))
            found.append(seconds / 60 / study.settings.train.n_workers)
        return found

    try:
        # By all fits, recorded or not: what is trained already must not make the plan larger.
        settings = within_budget(settings, lambda sized: sum(minutes_of(plans_of(sized))))
        plans = plans_of(settings)
    except ValueError as error:
        raise SettingsError(f"{study.folder / 'params.yaml'}: section `plan`: {error}") from error
    recorded = journal.recorded()
    minutes = minutes_of(plans, recorded)
    check_duration(settings, sum(minutes))
    said = [_describe(*each, recorded) for each in zip(plans, minutes, strict=True)]
    said += _validation(settings, table, learners, sum(minutes_of(plans)))
    return plans, "\n".join([*said, *_notes(settings, table.n_tasks, plans[0])])


def foreseen_minutes(settings: Settings, table: TaskTable, learners: Learners) -> float:
    """How long the fits of all plans and of `validate` take on all workers, about."""
    plans = make_plans(settings, table.n_tasks, "", learners.identities())
    fits = [fit for plan in plans for fit in plan.fits.values()]
    planned = float(estimate_seconds(learners, table, fits).sum()) / 60 / settings.train.n_workers
    return planned + sum(_validation_minutes(settings, table, learners)[1].values())


def make_plans(
    settings: Settings,
    n_tasks: int,
    version: str,
    known: Identities,
    learnable: Callable[[Fit], bool] = lambda _: True,
    primary: Sequence[int] = (),
) -> list[Plan]:
    """The plans of a study: subsets, then the statTAG grid without what they share.

    With adaptive sampling the subsets are those of the first round. Curves lack the fits of one
    task that are not `learnable`: its first folds may hold a single class. Each subset holds a
    `primary` task, if there are any.
    """
    plan = settings.plan
    subsets_of = fitting_subsets(plan.subsets, n_tasks, len(primary))
    grid = plan.augmentations
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
        primary,
    )
    level = plan.subset_level
    fits = subset_fits(n_tasks, level, subsets, subset_repeats)
    first = Plan.of("subsets", by_recipe(plan.learner, fits), version, known, rounds=rounds)
    placebo = [
        replace(fit, placebo=plan.seed + fit.repeat)
        for fit in first.fits.values()
        if plan.placebo.n_subsets > 0
        and fit.repeat < plan.placebo.repeats
        and (fit.kind != "subset" or fit.members in subsets[: plan.placebo.n_subsets])
    ]
    fits = augmentations(n_tasks, grid.levels, grid_repeats) if grid.sources == "all" else []
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


def fitting_subsets(subsets: SubsetSettings, n_tasks: int, n_primary: int = 0) -> SubsetSettings:
    """The settings of subsets for the tasks that preparation left: no larger, no more than are."""
    largest = max(min(subsets.max_size, n_tasks), 1)
    smallest = min(subsets.min_size, largest)
    n_subsets = min(subsets.n_subsets, count_subsets(n_tasks, smallest, largest, n_primary))
    sizes = {"min_size": smallest, "max_size": largest, "n_subsets": n_subsets}
    return subsets.model_copy(update=sizes)


def _describe(plan: Plan, minutes: float, recorded: Set[str]) -> str:
    more = ""
    if plan.rounds is not None:
        n_subsets = plan.rounds.n_subsets - len(plan.subsets)
        more = f"; up to {n_subsets} subsets more will be chosen by what these show"
    return (
        f"{plan.name}: {len(plan)} fits, {len(recorded & set(plan.fits))} already recorded, "
        f"about {_about(minutes)} for the others{more}"
    )


def _validation(
    settings: Settings, table: TaskTable, learners: Learners, minutes: float
) -> list[str]:
    """What is said of the time that `validate` takes, and of rivals that take it all.

    `minutes` is how long all plans take.
    """
    n_fits, taken = _validation_minutes(settings, table, learners)
    total = sum(taken.values())
    summed = (
        f"validate: some {n_fits} fits, about {_about(total)}; with the plans "
        f"about {_about(total + minutes)} of training by {settings.train.n_workers} workers"
    )
    slow = [
        f"note: `{name}` will take about {_about(taken[name])} in `validate`: take it out "
        "of `learners`, or make it smaller there"
        for name in settings.learners
        if name != settings.plan.learner and taken[name] > max(minutes, _LONG)
    ]
    return [summed, *slow]


def _validation_minutes(
    settings: Settings, table: TaskTable, learners: Learners
) -> tuple[int, dict[str, float]]:
    """How many fits `validate` trains, about, and how long those of each learner take."""
    learners = with_checkpoints(learners, settings.plan.learner)
    fits = foreseen_fits(settings, table, learners)
    seconds = estimate_seconds(learners, table, fits)
    taken: dict[str, float] = {}
    for name in dict.fromkeys(learner_name(fit.learner) for fit in fits):
        own = seconds[[learner_name(fit.learner) == name for fit in fits]]
        taken[name] = float(own.sum()) / 60 / min(settings.train.n_workers, own.size)
    return len(fits), taken


def _about(minutes: float) -> str:
    return f"{math.ceil(minutes)} min" if minutes < 120 else f"{minutes / 60:.0f} hours"


def _notes(settings: Settings, n_tasks: int, subsets: Plan) -> list[str]:
    """What differs from the settings, or makes them decide little."""
    wanted, found = settings.plan.subsets, len(subsets.subsets)
    notes = []
    if settings.plan.augmentations.sources == "none":
        notes.append(
            "note: no task gets one fold more (`plan.augmentations.sources: none`): of pairs, "
            "subsets and gradients tell alone"
        )
    if subsets.rounds is None and found < wanted.n_subsets:
        largest = min(wanted.max_size, n_tasks)
        notes.append(
            f"note: {n_tasks} tasks have {found} subsets of {wanted.min_size} to {largest}, so all "
            f"are trained, not {wanted.n_subsets}"
            if found
            else f"note: {n_tasks} tasks have no subset between each alone and all together"
        )
    elif subsets.rounds is None and found:
        if settings.plan.budget is not None:
            more = "; more would hardly tell more" if found == MOST else ""
            notes.append(f"`plan.budget` of {settings.plan.budget} pays for {found} subsets{more}")
        mean_size = sum(map(len, subsets.subsets)) / found
        fdr = settings.analyze.fdr
        notes.append(what_is_decided(n_tasks, found, mean_size, wanted.repeats, fdr))
    return notes
