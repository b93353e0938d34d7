"""Which fits a study plans."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from random_fits import make_table

from cotrain.allocation import WAYS, rotations, subset_fit
from cotrain.stages.plan import make_plans
from cotrain.study import Study
from cotrain.training import can_learn

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
