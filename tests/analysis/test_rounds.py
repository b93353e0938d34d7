"""Adaptive sampling round by round, on scores made up here: no fit is trained."""

from pathlib import Path

import numpy as np
import pytest

from cotrain.allocation import Plan, recipe_name
from cotrain.analysis import next_round, trained_plan
from cotrain.scores import SCORES
from cotrain.stages.plan import make_plans
from cotrain.study import Study
from cotrain.training import FitResult, fit_rows, fit_table

ROOT = Path(__file__).parents[2]
N_TASKS = 8
MODEL = {recipe_name("network", n, N_TASKS): {"made": "up"} for n in (1, 2, N_TASKS)}


class MadeUp:
    """A task table's stand-in: the names, and how many labels there are."""

    tasks = tuple("abcdefgh")
    label_counts = np.ones((N_TASKS, 10), dtype=np.int64)


def first_round(**changes: object) -> Plan:
    settings = Study(ROOT).settings
    subsets = settings.plan.subsets.model_copy(
        update={"n_subsets": 70, "min_size": 2, "max_size": 5, "repeats": 2, **changes}
    )
    plan = settings.plan.model_copy(update={"subsets": subsets})
    return make_plans(settings.model_copy(update={"plan": plan}), N_TASKS, "v", MODEL)[0]


def score(plan: Plan, sign: float = 1.0, noise: float = 3.0):
    """Tasks gain by their even neighbours and lose by their odd ones; luck by the fit's name."""
    parts = []
    for key, fit in plan.fits.items():
        tasks = np.array(fit.members)
        luck = np.random.default_rng(int(key[:8], 16)).normal(0, noise, tasks.size)
        gain = sign * sum(1.0 - 2 * (task % 2) for task in fit.members)
        values = np.repeat((luck - gain)[:, None], len(SCORES), axis=1)
        scores = FitResult(tasks, np.ones_like(tasks), values, values, 1)
        parts.append(fit_rows(MadeUp, plan.name, key, fit, scores))
    return fit_table(parts)


def grow(plan: Plan, **truth: float) -> Plan:
    while True:
        grown = next_round(plan, score(plan, **truth), MadeUp, "v", MODEL)
        if len(grown) == len(plan):
            return plan
        plan = grown


@pytest.fixture(scope="module")
def grown() -> Plan:
    return grow(first_round(sampling="adaptive"))


def test_uniform_sampling_has_no_rounds():
    plan = first_round()
    assert plan.rounds is None
    assert len(plan.subsets) == 70
    assert next_round(plan, score(plan), MadeUp, "v", MODEL) is plan
    assert trained_plan(plan, score(plan), "v", MODEL) is plan


def test_the_budget_is_spent_on_new_subsets_in_every_repeat(grown):
    first = first_round(sampling="adaptive")
    assert first.rounds.n_round <= len(first.subsets) < 20
    assert len(grown.subsets) == 70
    assert len(set(grown.subsets)) == 70
    assert {len(members) for members in grown.subsets} <= {2, 3, 4, 5}
    alone_and_together = (N_TASKS + 1) * 2
    assert len(grown) == alone_and_together + 70 * 2


def test_the_choice_follows_the_scores_and_nothing_else(grown):
    assert grow(first_round(sampling="adaptive")).fits == grown.fits
    assert grow(first_round(sampling="adaptive"), sign=0.0).subsets != grown.subsets


def test_it_ends_when_every_verdict_is_decided():
    plan = first_round(sampling="adaptive")
    assert len(grow(plan, noise=0.3).subsets) < 35


def test_the_fit_table_tells_the_whole_plan(grown, tmp_path):
    path = tmp_path / "subsets.parquet"
    first_round(sampling="adaptive").save(path)
    loaded = Plan.load(path)
    assert loaded.rounds == grown.rounds
    assert trained_plan(loaded, score(grown), "v", MODEL).fits == grown.fits
