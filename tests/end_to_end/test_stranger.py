"""A study whose source, features, folds and models are all of another package."""

import inspect
import json

import pandas as pd
import pytest
import stranger
from commands import run_stages
from small_study import change_params

from cotrain.init import make_study
from cotrain.settings import Choice

ENTRY_POINTS = """
[cotrain.sources]
wells = stranger:Wells
[cotrain.featurizers]
pair = stranger:Pair
[cotrain.splitters]
by_plate = stranger:ByPlate
[cotrain.learners]
bayes = stranger:Bayes
"""
CHANGES = {
    "fetch": {"kind": "wells", "n": 400},
    "prepare.labels.kind": "binary",
    "prepare.features": {"kind": "pair", "columns": ["x", "y"]},
    "prepare.split": {"kind": "by_plate", "column": "plate"},
    "prepare.n_folds": 6,
    "learners": {"bayes": {"kind": "bayes"}},
    "plan.learner": "bayes",
    "plan.test_folds": 2,
    "plan.train_folds": 3,
    "plan.subset_level": 3,
    "plan.subsets.n_subsets": 10,
    "plan.subsets.max_size": 3,
    "plan.placebo.n_subsets": 4,
    "plan.augmentations.levels": [1, 2],
    "group.max_groups": 3,
    "group.trials": 20,
    "validate.repeats": 2,
}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    package = tmp_path / "stranger-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)


def test_from_init_to_report(installed, tmp_path):
    study = tmp_path / "study"
    make_study(study)
    change_params(study, CHANGES)
    run_stages(study)
    skill = pd.read_csv(study / "data/validation/skill.csv")
    assert skill["skilled"].all()  # the sides can be told
    compared = pd.read_csv(study / "data/validation/comparison.csv")
    gain = compared[compared["calibration"] == "raw"].set_index(["grouping", "score"])
    assert gain.loc[("base rate", "auroc"), "low"] > 0
    # Nothing is learnt from other tasks, so no way of training is better than another.
    assert gain.loc[("all together", "auroc"), "difference"] == 0
    assert json.loads((study / "reports/metrics.json").read_text())["skill_tasks"] == 4
    folds = pd.read_csv(study / "data/prepared/folds.csv")
    assert folds.groupby("reason")["fold"].nunique().max() == 1


@pytest.mark.parametrize("name", ["Wells", "Pair", "ByPlate", "Bayes"])
def test_each_takes_at_most_forty_lines(name):
    noun = getattr(stranger, name)
    assert len(inspect.getsource(noun).splitlines()) <= 40
    assert noun.Settings is not Choice
