"""The recommended grouping and its rivals, trained with fresh seeds, compared on test labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from cotrain.allocation import Fit, Plan, Rotation, subset_fit
from cotrain.exceptions import SettingsError
from cotrain.files import write_csv
from cotrain.grouping import Grouping, single_tasks, together
from cotrain.stages._comparison_tables import comparison_tables, served_table
from cotrain.stages._context import analysed_scores
from cotrain.stages._group_scores import GroupScores
from cotrain.stages._grouping_costs import grouping_costs, measured_seconds
from cotrain.stages._grouping_file import GroupingFile
from cotrain.stages._learners import identities
from cotrain.stages._repeats import study_repeats
from cotrain.stages._sweep import Trainer
from cotrain.study import Study
from cotrain.training import save_fit_table

Rivals = Mapping[str, Sequence[Grouping]]


def run(study: Study) -> str:
    trainer = Trainer.of(study)
    tasks = trainer.table.tasks
    rivals = _rivals(GroupingFile.load(study, tasks, trainer.data_version), len(tasks))
    repeats = _fresh_repeats(study)
    plan_settings = study.settings.plan
    fits = [
        replace(fit, learner=plan_settings.learner)
        for fit in _fits(rivals, repeats, len(tasks), plan_settings.subset_level)
    ]
    learner = trainer.learners[study.settings.plan.learner]
    plan = Plan.of("validation", fits, trainer.data_version, identities(trainer.learners))
    rows = trainer.train(plan)
    trainer.log(plan, rows)
    scored = {
        score: GroupScores.of(rows, rivals, tasks, score, len(repeats))
        for score in analysed_scores(study)
    }
    # One model serves a task, whatever score it is then looked at by.
    chooser = scored[study.settings.analyze.score]
    costs = grouping_costs(rivals, fits, trainer.table, learner)
    overall, by_task = comparison_tables(
        {score: found.test_scores(rivals, chooser) for score, found in scored.items()},
        costs,
        tasks,
    )
    write_csv(study.validation / "comparison.csv", overall)
    write_csv(study.validation / "tasks.csv", by_task)
    write_csv(
        study.validation / "served.csv",
        served_table(scored, chooser, rivals["recommended"][0], tasks),
    )
    save_fit_table(study.fits("validation"), rows)
    counted = costs.drop(columns="seconds")
    measured = measured_seconds(rivals, rows, trainer.journal)
    trainer.tracker.log_summary(
        "comparison",
        trainer.run.params,
        {
            f"{name}/{column}": float(value)
            for column, values in {**counted, "train_seconds": measured}.items()
            for name, value in values.items()
        },
        [study.validation / "comparison.csv", study.validation / "tasks.csv"],
    )
    return f"validation: {len(plan)} fits, {len(rivals)} groupings, {len(repeats)} repeats"


def _rivals(found: GroupingFile, n_tasks: int) -> dict[str, Sequence[Grouping]]:
    """The recommended grouping first, then what it is compared with."""
    baselines = {"single-task": [single_tasks(n_tasks)], "all together": [together(n_tasks)]}
    return {"recommended": [found.recommended], **baselines, **found.rivals}


def _fresh_repeats(study: Study) -> list[Rotation]:
    """Repeats with seeds that no fit which chose the grouping was trained with."""
    settings = study.settings
    plan, fresh = settings.plan, settings.validate_
    used = max(plan.subsets.repeats, plan.augmentations.repeats)
    if plan.seed - fresh.repeats < fresh.seed < plan.seed + used:
        raise SettingsError(
            f"{study.folder / 'params.yaml'}: `validate.seed` must leave the seeds of the plan, "
            f"{plan.seed} .. {plan.seed + used - 1}, alone, got {fresh.seed}; raise it"
        )
    return study_repeats(settings, fresh.repeats, fresh.seed)


def _fits(rivals: Rivals, repeats: Sequence[Rotation], n_tasks: int, level: int) -> list[Fit]:
    groups = {group: None for groupings in rivals.values() for one in groupings for group in one}
    return [
        subset_fit(n_tasks, group, level, rotation, _kind(len(group), n_tasks))
        for rotation in repeats
        for group in groups
    ]


def _kind(size: int, n_tasks: int) -> Literal["single", "together", "group"]:
    if size == 1:
        return "single"
    return "together" if size == n_tasks else "group"
