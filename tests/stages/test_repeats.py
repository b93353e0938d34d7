from pathlib import Path

import pytest

from cotrain.exceptions import SettingsError
from cotrain.stages._repeats import study_repeats
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
