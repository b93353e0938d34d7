"""The recommended portfolio and its rivals, trained with fresh seeds, compared on test labels."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from cotrain import comparison
from cotrain import tables as contract
from cotrain.allocation import Plan, fit_id
from cotrain.comparison import RECOMMENDED, Contest, Way
from cotrain.files import write_json, write_sums
from cotrain.grouping import Grouping
from cotrain.stages._repeats import fresh_repeats
from cotrain.stages._sweep import Trainer
from cotrain.stages._validation_fits import contest_of, with_checkpoints
from cotrain.study import Study
from cotrain.training import save_fit_table


def run(study: Study) -> str:
    settings = study.settings
    trainer = Trainer.of(study)
    trainer = replace(trainer, learners=with_checkpoints(trainer.learners, settings.plan.learner))
    table, tasks = trainer.table, trainer.table.tasks
    contest = _contest(study, trainer)
    # Two learners of the same settings share their fits: the last stop is the learner itself.
    known = trainer.learners.identities()
    plan = Plan.of("validation", contest.needed, trainer.data_version, known)
    results = trainer.results(plan, predictions=True)
    rows = trainer.table_of(plan, results)
    trainer.log(plan, rows)
    by_fit = {
        fit: results[fit_id(trainer.data_version, fit, known[fit.learner])]
        for fit in contest.needed
    }
    seed, primary = settings.validate_.seed, settings.plan.primary
    judged = contest.judge(
        by_fit, seed, settings.validate_.objective, [tasks.index(name) for name in primary]
    )
    shown = comparison.natural_scores(
        {"binary": "binary" in table.kinds, "real": "real" in table.kinds}, trainer.run.scores
    )
    by_score = {
        (score, again): {
            name: (one.recalibrated if again else one.raw).column(score)
            for name, one in judged.scores.items()
        }
        for score, again in shown
    }
    recommended, choice = judged.recommended, judged.choice
    ways = [Way(RECOMMENDED, recommended.models), *contest.ways]
    costs = comparison.way_costs(ways, contest.reporting, table, trainer.learners)
    overall, by_task = comparison.comparison_tables(by_score, costs, tasks, primary)
    tables = {
        "comparison": overall,
        "tasks": by_task,
        "portfolios": comparison.candidate_table(choice),
        "skill": comparison.skill_table(choice, tasks),
        "intervals": comparison.interval_table(recommended, judged.repeats, tasks, seed),
        "weights": comparison.weight_table(recommended.roles, judged.weights, tasks),
        "served": comparison.served_table(
            {score: by_score[score, False][RECOMMENDED] for score, again in shown if not again},
            tasks,
        ),
    }
    contract.write_all(study.validation, tables)
    models = [
        asdict(model)
        | {name: [tasks[task] for task in getattr(model, name)] for name in ("members", "serves")}
        for model in recommended.models
    ]
    portfolio = {
        "data_version": trainer.data_version, "name": recommended.name, "models": models
    }  # fmt: skip
    write_json(study.validation / "portfolio.json", portfolio)
    write_sums(study.validation)
    save_fit_table(study.fits("validation"), rows)
    figures = {
        f"{name}/{column}": float(value)
        for column, values in costs.items()
        for name, value in values.items()
        if np.isfinite(value)
    }
    files = [study.validation / "comparison.csv", study.validation / "tasks.csv"]
    trainer.tracker.log_summary("comparison", trainer.run.params, figures, files)
    n_skilled = int(choice.skilled().sum())
    return (
        f"validation: {len(plan)} fits, {len(judged.scores)} ways, {len(judged.repeats)} repeats; "
        f"recommended: {recommended.name}; {n_skilled} of {len(tasks)} tasks are better than "
        "their base rate"
    )


def _contest(study: Study, trainer: Trainer) -> Contest:
    """The recommended grouping, its rivals and the learners of the study, with fresh repeats."""
    settings, tasks = study.settings, trainer.table.tasks
    found = contract.Recommendation.of_table(study.grouping, tasks, trainer.data_version)
    grouping = places(found.groups, tasks)
    served_by = [found.served_by[task] for task in tasks]
    rivals = {
        name: [places(one, tasks) for one in several] for name, several in found.rivals.items()
    }
    repeats = fresh_repeats(settings)
    return contest_of(
        settings, trainer.table, trainer.learners, grouping, rivals, repeats, served_by
    )


def places(groups: Sequence[Sequence[str]], tasks: Sequence[str]) -> Grouping:
    """A grouping of named tasks as one of their places."""
    return tuple(tuple(sorted(map(tasks.index, group))) for group in groups)
