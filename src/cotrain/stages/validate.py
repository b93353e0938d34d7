"""The recommended portfolio and its rivals, trained with fresh seeds, compared on test labels."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd

from cotrain import tables as contract
from cotrain.allocation import Fit, Plan, Rotation, fit_id, learner_name
from cotrain.comparison import (
    Candidate,
    Model,
    Way,
    candidate_table,
    choose_portfolio,
    comparison_tables,
    distinct,
    interval_table,
    make_candidates,
    make_ways,
    natural_scores,
    repeat_outputs,
    score_portfolio,
    score_ways,
    served_table,
    skill_table,
    way_costs,
    weight_table,
)
from cotrain.exceptions import SettingsError
from cotrain.files import write_json, write_sums
from cotrain.grouping import Grouping
from cotrain.stages._context import analysed_scores
from cotrain.stages._repeats import final_repeats, study_repeats
from cotrain.stages._sweep import Trainer
from cotrain.study import Study
from cotrain.training import Learners, save_fit_table

RECOMMENDED = "recommended"


def run(study: Study) -> str:
    settings = study.settings
    trainer = _with_checkpoints(Trainer.of(study), settings.plan.learner)
    table, tasks = trainer.table, trainer.table.tasks
    found = contract.Recommendation.of_table(study.grouping, tasks, trainer.data_version)
    grouping = places(found.groups, tasks)
    rivals = {
        name: [places(one, tasks) for one in several] for name, several in found.rivals.items()
    }
    network, n_tasks = settings.plan.learner, len(tasks)
    others = [name for name in settings.learners if name != network]
    names = dict.fromkeys(map(learner_name, trainer.learners))
    stops = [name for name in names if name.startswith(f"{network} ")]
    ways = make_ways(network, others, n_tasks, grouping, rivals, stops)
    candidates = make_candidates(network, others, n_tasks, grouping)
    rotations = _fresh_repeats(study)
    level, seed = settings.plan.subset_level, settings.validate_.seed
    final_rotations, final_level = final_repeats(settings, rotations)
    stopping = {name for name, learner in trainer.learners.items() if learner.stops_early}
    models = distinct([*ways, *(Way(one.name, one.models) for one in candidates)])
    fits = {model: [model.fit(n_tasks, level, one) for one in rotations] for model in models}
    final = final_fits(fits, n_tasks, final_level, final_rotations, stopping)
    plan = Plan.of(
        "validation",
        list(dict.fromkeys(chain.from_iterable([*fits.values(), *final.values()]))),
        trainer.data_version,
        trainer.learners.identities(),
    )
    results = trainer.results(plan, predictions=True)
    rows = trainer.table_of(plan, results)
    trainer.log(plan, rows)
    # Two learners of the same settings share their fits: the last stop is the learner itself.
    known = trainer.learners.identities()
    by_fit = {
        fit: results[fit_id(trainer.data_version, fit, known[fit.learner])]
        for fit in chain.from_iterable([*fits.values(), *final.values()])
    }
    validations = repeat_outputs(table, fits, by_fit, rotations, level, "validation")
    tests = repeat_outputs(table, final, by_fit, final_rotations, final_level, "test")
    repeats = list(zip(validations, tests, strict=True))
    choice = choose_portfolio(
        candidates,
        validations,
        seed,
        settings.validate_.objective,
        [tasks.index(name) for name in settings.plan.primary],
    )
    recommended = choice.recommended.pruned(validations, seed)
    scored, weights = score_portfolio(recommended, repeats, seed)
    every = {RECOMMENDED: scored, **score_ways(ways, repeats, seed)}
    shown = natural_scores(
        {"binary": "binary" in table.kinds, "real": "real" in table.kinds},
        analysed_scores(study),
    )
    by_score = {
        (score, again): {
            name: (one.recalibrated if again else one.raw).column(score)
            for name, one in every.items()
        }
        for score, again in shown
    }
    costs = way_costs([Way(RECOMMENDED, recommended.models), *ways], final, table, trainer.learners)
    overall, by_task = comparison_tables(by_score, costs, tasks, settings.plan.primary)
    tables = {
        "comparison": overall,
        "tasks": by_task,
        "portfolios": candidate_table(choice),
        "skill": skill_table(choice, tasks),
        "intervals": interval_table(recommended, repeats, tasks, seed),
        "weights": weight_table(recommended.roles, weights, tasks),
        "served": served_table(
            {score: by_score[score, False][RECOMMENDED] for score, again in shown if not again},
            tasks,
        ),
    }
    contract.write_all(study.validation, tables)
    write_json(study.validation / "portfolio.json", _describe(recommended, tasks, trainer))
    write_sums(study.validation)
    save_fit_table(study.fits("validation"), rows)
    _log(trainer, costs, study)
    n_skilled = int(choice.skilled().sum())
    return (
        f"validation: {len(plan)} fits, {len(every)} ways, {len(rotations)} repeats; recommended: "
        f"{recommended.name}; {n_skilled} of {len(tasks)} tasks are better than their base rate"
    )


def places(groups: Sequence[Sequence[str]], tasks: Sequence[str]) -> Grouping:
    """A grouping of named tasks as one of their places."""
    return tuple(tuple(sorted(map(tasks.index, group))) for group in groups)


def final_fits(
    fits: Mapping[Model, list[Fit]],
    n_tasks: int,
    level: int,
    repeats: Sequence[Rotation],
    stopping: Collection[str],
) -> dict[Model, list[Fit]]:
    """The fits of each model that test labels report on, one a repeat.

    Learners whose training stops by validation labels, named by `stopping`, keep those they have.
    """
    return {
        model: own
        if own[0].learner in stopping
        else [model.fit(n_tasks, level, one) for one in repeats]
        for model, own in fits.items()
    }


def _with_checkpoints(trainer: Trainer, network: str) -> Trainer:
    """The trainer with the stops of the joint learner as learners too (ACS, 2025)."""
    stops = trainer.learners[f"{network}/together"].checkpoints()
    named = {f"{network} {name}/together": learner for name, learner in stops.items()}
    return replace(trainer, learners=Learners(trainer.learners | named))


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


def _describe(recommended: Candidate, tasks: Sequence[str], trainer: Trainer) -> dict[str, object]:
    """What later stages read of the recommended portfolio."""
    return {
        "data_version": trainer.data_version,
        "name": recommended.name,
        "models": [
            {
                "learner": model.learner,
                "members": [tasks[task] for task in model.members],
                "draw": model.draw,
            }
            for model in recommended.models
        ],
    }


def _log(trainer: Trainer, costs: pd.DataFrame, study: Study) -> None:
    figures = {
        f"{name}/{column}": float(value)
        for column, values in costs.items()
        for name, value in values.items()
        if np.isfinite(value)
    }
    trainer.tracker.log_summary(
        "comparison",
        trainer.run.params,
        figures,
        [study.validation / "comparison.csv", study.validation / "tasks.csv"],
    )
