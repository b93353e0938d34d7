"""The file of recipes against the settings that a study has now."""

import json

import pytest

from cotrain.exceptions import DataError
from cotrain.training.network._settings import NetworkSettings
from cotrain.tuning._recipes import LearnerRecipes, Recipes


def test_recipes_of_before_there_was_a_setting_are_those_of_its_default(tmp_path):
    path, settings = tmp_path / "recipes.json", NetworkSettings(hidden=[8])
    Recipes({"network": LearnerRecipes.of(settings, {})}).save(path)
    kept = json.loads(path.read_text())
    del kept["network"]["untuned"]["bounds"]
    path.write_text(json.dumps(kept))
    assert Recipes.load(path, {"network": settings}).root["network"].untuned["hidden"] == [8]
    for other in (NetworkSettings(hidden=[9]), NetworkSettings(hidden=[8], bounds="one_sided")):
        with pytest.raises(DataError, match="other settings of `learners.network`; run `cotrain"):
            Recipes.load(path, {"network": other})
