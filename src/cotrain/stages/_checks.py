"""Settings against the data and against each other, before anything is trained."""

import difflib
import math
from collections.abc import Iterator, Sequence

import numpy as np

from cotrain.allocation import learner_name
from cotrain.exceptions import DataError, SettingsError
from cotrain.scores import SCORES, find_score
from cotrain.settings import Settings
from cotrain.stages._repeats import study_repeats
from cotrain.tasks import TaskTable
from cotrain.training import Learners
from cotrain.words import listing

MIN_TASKS = 2
# Plans of more fits are a slip of the pen: at a tenth of a second a fit they take a day.
_MOST_FITS = 1_000_000


def check_against(settings: Settings, table: TaskTable) -> None:
    wrong = [
        *_wrong_counts(settings, table),
        *_wrong_scores(settings, table),
        *wrong_names(settings, table.tasks),
        *_wrong_sizes(settings, table),
    ]
    if wrong:
        raise SettingsError("params.yaml: " + "; ".join(wrong))


def check_inputs(learners: Learners, table: TaskTable) -> None:
    """Raise unless the examples are what each learner reads; the message names the learner."""
    for name, learner in learners.items():
        try:
            table.inputs(learner.trained.reads)
        except DataError as error:
            raise SettingsError(f"params.yaml: `learners.{learner_name(name)}` {error}") from error


def check_fit_count(settings: Settings, n_tasks: int) -> None:
    """Raise if the plans list more fits than anyone trains."""
    plan = settings.plan
    around = n_tasks + 1
    added = plan.augmentations.levels if plan.augmentations.sources == "all" else []
    subsets = plan.subsets.repeats * (min(plan.subsets.n_subsets, 2**n_tasks) + around)
    grid = plan.augmentations.repeats * (len(added) + plan.train_folds) * around
    if subsets + grid > _MOST_FITS:
        raise SettingsError(
            f"params.yaml: `plan` lists {subsets + grid:,} fits, more than {_MOST_FITS:,}: lower "
            "`plan.subsets.n_subsets`, the repeats, or the number of tasks"
        )


def check_duration(settings: Settings, minutes: float) -> None:
    """Raise if the plans take longer than `train.max_hours`."""
    if minutes > 60 * settings.train.max_hours:
        raise SettingsError(
            f"params.yaml: `plan` takes about {minutes / 60:,.0f} hours here, more than the "
            f"{settings.train.max_hours:g} of `train.max_hours`: raise that, or lower "
            "`plan.subsets.n_subsets` and the repeats"
        )


def _wrong_counts(settings: Settings, table: TaskTable) -> Iterator[str]:
    """Folds, levels, repeats and sizes of groups that do not fit each other or the tasks."""
    plan, group, n_tasks = settings.plan, settings.group, table.n_tasks
    study_repeats(settings, 1, plan.seed)
    if plan.subset_level > plan.train_folds:
        yield (
            f"`plan.subset_level` must be at most `plan.train_folds`, {plan.train_folds}, "
            f"got {plan.subset_level}"
        )
    if (highest := max(plan.augmentations.levels)) >= plan.train_folds:
        yield (
            "`plan.augmentations.levels` must leave a training fold to add, so be below "
            f"`plan.train_folds`, {plan.train_folds}, got {highest}"
        )
    if group.max_size is not None and group.max_size < group.min_size:
        yield "`group.max_size` must be at least `group.min_size`"
    if group.min_size > n_tasks:
        yield f"`group.min_size` must be at most the number of tasks, {n_tasks}"
    if group.max_size is not None and group.max_groups * group.max_size < n_tasks:
        least = math.ceil(n_tasks / group.max_size)
        yield f"`group.max_groups` must be at least {least} with `group.max_size` {group.max_size}"
    if n_tasks < MIN_TASKS:
        yield (
            f"{n_tasks} tasks are left ({', '.join(table.tasks)}), and a study needs "
            f"{MIN_TASKS}; data/prepared/excluded.csv says why others are not, and "
            "fewer `prepare.n_folds` or a random split may bring them back"
        )
    if group.caution > 0 and plan.subsets.repeats < 2:
        yield (
            "`group.caution` takes off standard errors, which one repeat does not tell: set "
            "`plan.subsets.repeats` to 2 or more, or `group.caution` to 0"
        )


def _wrong_scores(settings: Settings, table: TaskTable) -> Iterator[str]:
    for key in ("score", "curve_score"):
        score = find_score(getattr(settings.analyze, key))
        lacking = [
            f"`{name}`"
            for name, kind in zip(table.tasks, table.kinds, strict=True)
            if kind not in score.kinds
        ]
        fitting = [
            name
            for name, each in SCORES.items()
            if set(table.kinds) <= set(each.kinds)
            and each.unit_free
            and (key == "score" or each.higher_is_better)
        ]
        if lacking:
            yield (
                f"`analyze.{key}` is {score.name}, which the task {listing(lacking, 1)} cannot "
                f"have: choose {' or '.join(fitting)}"
            )
        elif not score.unit_free:
            yield (
                f"`analyze.{key}` is {score.name}, which is in each task's own unit, so that the "
                f"task of the largest numbers would decide all: choose {' or '.join(fitting)}"
            )


def wrong_names(settings: Settings, tasks: Sequence[str]) -> Iterator[str]:
    """What the settings call a task and is none, with the name that may be meant."""
    group = settings.group
    named = {
        "plan.primary": settings.plan.primary,
        "group.weights": list(group.weights),
        "group.must_share": [name for pair in group.must_share for name in pair],
        "group.must_not_share": [name for pair in group.must_not_share for name in pair],
    }
    for key, names in named.items():
        for name in dict.fromkeys(names):
            if name not in tasks:
                close = difflib.get_close_matches(name, tasks, n=1)
                hint = "correct the name, or see if it was excluded"
                yield (
                    f"`{key}` names the task `{name}`, which the study does not have; "
                    f"{f'did you mean `{close[0]}`?' if close else hint}"
                )


def _wrong_sizes(settings: Settings, table: TaskTable) -> Iterator[str]:
    """Learners whose memory ends before the examples that they compare with each other do."""
    plan = settings.plan
    n_development = table.n_folds - plan.test_folds
    level = plan.subset_level
    if settings.validate_.refit:
        level += n_development - plan.train_folds
    every = np.bincount(table.folds, minlength=table.n_folds)[None]
    for name, learner in settings.learners.items():
        limit = getattr(learner, "max_examples", None)
        apart = getattr(learner, "share", None) == 0
        counts = (table.label_counts if apart else every)[:, :n_development]
        most = int(np.sort(counts, axis=1)[:, -level:].sum(axis=1).max())
        if limit is not None and most > limit:
            whose = "a task has" if apart else "all tasks together have"
            yield (
                f"`learners.{name}` trains on at most {limit} examples, and {whose} "
                f"up to {most}: set its `max_examples` to {most} if there are "
                f"{most**2 / 2.5e8:.0f} GB of memory, or leave it out"
            )
