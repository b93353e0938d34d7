"""Which fits a study plans."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from random_fits import make_table

from cotrain.allocation import WAYS, learner_name, rotations, subset_fit
from cotrain.exceptions import SettingsError
from cotrain.stages._plan_sizes import what_is_decided, with_subsets, within_budget
from cotrain.stages._validation_fits import foreseen_fits, with_checkpoints
from cotrain.stages.plan import _notes, _validation, make_plans
from cotrain.study import Study
from cotrain.training import Learners, can_learn

ROOT = Path(__file__).parents[2]
KNOWN = {f"network/{way}": {} for way in WAYS}


def one_class_in_the_first_fold(table, task, fold):
    """The table, all labels of a task in a fold made 1."""
    labels = table.labels.copy()
    rows = np.repeat(np.arange(table.n_examples), np.diff(labels.indptr))
    labels.data[(labels.indices == task) & (table.folds[rows] == fold)] = 1.0
    return replace(table, labels=labels)


def test_a_single_class_teaches_nothing_alone_but_beside_others():
    table = make_table(real=())
    rotation = rotations(table.n_folds, 2, 1, 1, 0, False)[0]
    first = rotation.folds.train[0]
    table = one_class_in_the_first_fold(table, 1, first)
    assert not can_learn(table, subset_fit(table.n_tasks, [1], 1, rotation))
    assert can_learn(table, subset_fit(table.n_tasks, [1], 2, rotation))
    assert can_learn(table, subset_fit(table.n_tasks, [0, 1], 1, rotation))


def test_curves_lack_the_fits_that_cannot_learn():
    settings = Study(ROOT).settings
    plans = [
        {plan.name: plan for plan in make_plans(settings, 30, "v", KNOWN, learnable)}
        for learnable in (lambda _: True, lambda fit: fit.members != (2,) or fit.level > 1)
    ]
    every, fewer = (set(found["augmentations"].fits) for found in plans)
    gone = {plans[0]["augmentations"].fits[key] for key in every - fewer}
    assert fewer < every
    assert {(fit.members, fit.level) for fit in gone} == {((2,), 1)}
    assert set(plans[0]["subsets"].fits) == set(plans[1]["subsets"].fits)


def test_no_task_gets_one_fold_more_where_none_is_to():
    settings = Study(ROOT).settings
    grid = settings.plan.augmentations.model_copy(update={"sources": "none"})
    fewer = settings.model_copy(
        update={"plan": settings.plan.model_copy(update={"augmentations": grid})}
    )
    every, curves = (make_plans(each, 30, "v", KNOWN)[2] for each in (settings, fewer))
    left = {key: fit for key, fit in every.fits.items() if fit.auxiliary is None}
    assert len(left) < len(every.fits)
    assert set(curves.fits) == set(left)
    assert any(
        "sources: none" in note for note in _notes(fewer, 30, make_plans(fewer, 30, "v", KNOWN)[0])
    )


@pytest.mark.parametrize(
    ("budget", "n_subsets"),
    [(None, 60), ("10 min", 10), ("0.5 h", 50), ("10 h", 1_190), ("1000 h", 5_000)],
)
def test_as_many_subsets_as_the_budget_pays_for(budget, n_subsets):
    settings = Study(ROOT).settings
    plan = settings.plan.model_copy(update={"budget": budget})
    settings = with_subsets(settings.model_copy(update={"plan": plan}), 60)
    # Five minutes for what stands beside the subsets, and half a minute for each.
    sized = within_budget(settings, lambda those: 5 + those.plan.subsets.n_subsets / 2)
    assert sized.plan.subsets.n_subsets == n_subsets


def test_a_large_budget_is_not_laid_out_to_be_counted():
    settings = Study(ROOT).settings
    plan = settings.plan.model_copy(update={"budget": "1000 h"})
    listed = []

    def minutes(those):
        listed.append(those.plan.subsets.n_subsets)
        return 5 + listed[-1] / 2

    within_budget(settings.model_copy(update={"plan": plan}), minutes)
    assert sum(listed) < 1_200


def test_a_budget_that_pays_for_no_subset():
    settings = Study(ROOT).settings
    plan = settings.plan.model_copy(update={"budget": "10 min"})
    with pytest.raises(SettingsError, match="take 12 min here: raise it"):
        within_budget(settings.model_copy(update={"plan": plan}), lambda _: 11.5)


def test_what_a_plan_decides_is_said():
    said = [what_is_decided(10, n, 5, repeats, 0.05) for n, repeats in ((30, 2), (120, 2), (30, 1))]
    least = [float(one.split("below some ")[1].split()[0]) for one in said[:2]]
    assert least[0] > least[1] > 0
    assert "one repeat decides no pair" in said[2]
    assert "verdicts on pairs are out of reach" in what_is_decided(442, 60, 56, 2, 0.05)
    assert "out of reach" not in what_is_decided(442, 400, 56, 2, 0.05)


def stand_ins(settings, cost):
    """Learners that only know what each of their fits costs, and a stop of the joint one."""

    def stand_in(each, checkpoints=()):
        return SimpleNamespace(
            cost=lambda _, fits: np.full(len(fits), each),
            checkpoints=lambda: dict.fromkeys(checkpoints, stand_in(each)) if checkpoints else {},
            stops_early=False,
        )

    return Learners({
        f"{name}/{way}": stand_in(
            cost.get(name, 1.0), ["stop"] if name == settings.plan.learner else []
        )
        for name in settings.learners
        for way in WAYS
    })  # fmt: skip


def one_worker():
    settings = Study(ROOT).settings
    return settings.model_copy(update={"train": settings.train.model_copy(update={"workers": 1})})


def test_a_rival_that_takes_longer_than_the_plans_is_told():
    settings, table = one_worker(), make_table(real=())
    # Each repeat trains it twice: to choose, and once more with validation labels.
    cost = {"forest": 3 * 3600 / (2 * settings.validate_.repeats)}
    learners = stand_ins(settings, cost)
    _, said = _validation(settings, table, learners, minutes=30)
    assert said.startswith("note: `forest` will take about 3 hours in `validate`")
    assert len(_validation(settings, table, learners, minutes=200)) == 1


def test_the_time_of_validation_is_told_before_a_grouping_is_known():
    settings, table = one_worker(), make_table(real=())
    learners = with_checkpoints(stand_ins(settings, {}), settings.plan.learner)
    fits = foreseen_fits(settings, table, learners)
    n_each = 2 * settings.validate_.repeats
    by_name = Counter(learner_name(fit.learner) for fit in fits)
    assert by_name["kernel"] == by_name["forest"] == by_name["network stop"] == n_each
    # Each task alone, joint draws, and groups of several tasks.
    members = Counter(len(fit.members) for fit in fits if fit.learner.startswith("network/"))
    assert members[1] >= n_each * table.n_tasks
    assert members[table.n_tasks] == n_each * min(settings.group.max_groups, table.n_tasks)
    # What a search finds overlaps: a group more than each model of a partition would be.
    n_halves = members[table.n_tasks // 2 + 1]
    assert n_halves >= n_each * min(settings.group.max_groups, table.n_tasks)
    (said,) = _validation(settings, table, learners, minutes=600)
    total = np.ceil(len(fits) / 60).astype(int)  # of a second each
    assert said.startswith(f"validate: some {len(fits)} fits, about {total} min; with the plans")
    unfit = settings.validate_.model_copy(update={"refit": False})
    fewer = foreseen_fits(settings.model_copy(update={"validate_": unfit}), table, learners)
    assert 2 * len(fewer) == len(fits)
