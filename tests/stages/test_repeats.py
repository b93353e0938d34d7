from pathlib import Path

import pytest

from cotrain.comparison import Contest, Model, Phase, Way
from cotrain.exceptions import SettingsError
from cotrain.stages._repeats import final_repeats, fresh_repeats, study_repeats
from cotrain.stages.prepare import _fold_sets
from cotrain.study import Study

ROOT = Path(__file__).parents[2]


def test_folds_that_do_not_suffice_are_told_before_anything_is_prepared():
    settings = Study(ROOT).settings
    plan = settings.plan.model_copy(update={"train_folds": 7})
    greedy = settings.model_copy(update={"plan": plan})
    message = r"leave a fold for validation, got 7 \+ 3 of 10"
    with pytest.raises(SettingsError, match=message):
        study_repeats(greedy, 1, seed=0)
    with pytest.raises(SettingsError, match=message):
        _fold_sets(greedy)


def test_labels_that_chose_the_grouping_do_not_judge_it():
    settings = Study(ROOT).settings
    plan = settings.plan
    chose = study_repeats(settings, max(plan.subsets.repeats, plan.augmentations.repeats), 0)
    judge = fresh_repeats(settings)
    validation = [
        {fold for one in each for fold in one.folds.validation} for each in (chose, judge)
    ]
    assert validation[0]
    assert validation[0].isdisjoint(validation[1])
    assert not {one.seed for one in chose} & {one.seed for one in judge}


def test_seeds_of_the_plan_are_not_used_again():
    settings = Study(ROOT).settings
    validate = settings.validate_.model_copy(update={"seed": settings.plan.seed + 1})
    with pytest.raises(SettingsError, match="`validate.seed` must leave the seeds of the plan, 0"):
        fresh_repeats(settings.model_copy(update={"validate_": validate}))


def test_once_chosen_models_learn_from_validation_labels_and_never_from_test_labels():
    settings = Study(ROOT).settings
    repeats = study_repeats(settings, 3, seed=0)
    final, level = final_repeats(settings, repeats)
    assert level == settings.plan.subset_level + len(repeats[0].folds.validation)
    for before, after in zip(repeats, final, strict=True):
        trained = after.folds.train[:level]
        assert set(trained) == {*before.folds.train[: level - 1], *before.folds.validation}
        assert after.folds.test == before.folds.test
        assert after.seed == before.seed
    validate = settings.validate_.model_copy(update={"refit": False})
    same, level = final_repeats(settings.model_copy(update={"validate_": validate}), repeats)
    assert (same, level) == (repeats, settings.plan.subset_level)


def test_what_stops_by_validation_labels_never_trains_on_them(table):
    settings = Study(ROOT).settings
    repeats = study_repeats(settings, 2, seed=0)
    models = [Model(name, (0, 1, 2, 3)) for name in ("network", "forest")]
    contest = Contest(
        table,
        [Way(model.learner, (model,)) for model in models],
        [],
        Phase(repeats, settings.plan.subset_level),
        Phase(*final_repeats(settings, repeats)),
        {"network/together"},
    )
    final = contest.reporting
    assert final[models[0]] == contest.choosing[models[0]]
    for fit, repeat in zip(final[models[1]], repeats, strict=True):
        assert set(repeat.folds.validation) <= set(fit.allocation.folds)
        assert not set(repeat.folds.test) & set(fit.allocation.folds)
