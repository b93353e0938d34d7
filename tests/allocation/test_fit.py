import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotrain.allocation import Allocation, Fit, FoldUse, fit_id

FOLDS = FoldUse(train=(0, 1), validation=(2, 3), test=(4,))
FIT = Fit(Allocation.of(3, 5, [0, 2], [0]), FOLDS, seed=7, kind="subset", repeat=0, level=1)
MODEL = {"hidden": [8], "dropout": 0.2}


def test_the_identity_is_a_known_value():
    # A change of this value makes every stored result of every user worthless: be sure.
    assert fit_id("version", FIT, MODEL) == "729ebe9d0e460933644467fe771fd220"


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"allocation": FIT.allocation.with_cell(1, 0)},
        {"allocation": FIT.allocation.with_cell(0, 1)},
        {"folds": FoldUse((0, 1), (2,), (3, 4))},
        {"placebo": 0},
    ],
)
def test_what_changes_the_result_changes_the_identity(change):
    changed = dataclasses.replace(FIT, **change)
    assert fit_id("version", changed, MODEL) != fit_id("version", FIT, MODEL)


def test_data_and_model_are_part_of_the_identity():
    identities = {
        fit_id("version", FIT, MODEL),
        fit_id("other", FIT, MODEL),
        fit_id("version", FIT, MODEL | {"dropout": 0.3}),
    }
    assert len(identities) == 3


@pytest.mark.parametrize(
    "change",
    [{"kind": "group"}, {"learner": "forest"}, {"repeat": 5}, {"level": 2}, {"auxiliary": 1}],
)
def test_what_a_fit_was_planned_for_is_not_part_of_its_identity(change):
    changed = dataclasses.replace(FIT, **change)
    assert fit_id("version", changed, MODEL) == fit_id("version", FIT, MODEL)


@given(st.permutations([2, 3]), st.permutations([("hidden", [8]), ("dropout", 0.2)]))
def test_the_order_of_folds_and_keys_does_not_matter(validation, items):
    folds = FoldUse((1, 0), tuple(validation), (4,))
    changed = dataclasses.replace(FIT, folds=folds)
    assert fit_id("version", changed, dict(items)) == fit_id("version", FIT, MODEL)


def test_evaluation_folds_must_not_be_trained_on():
    with pytest.raises(ValueError, match=r"must not be trained on, got \[2\]"):
        Fit(Allocation.of(3, 5, [0], [0, 2]), FOLDS, 0, "subset", 0, 1)


def test_a_fold_serves_for_one_thing_only():
    with pytest.raises(ValueError, match="one thing only"):
        FoldUse((0, 1), (1, 2), (3,))
