"""Recipes of the learners for each way of training, found on validation labels."""

from cotrain.study import Study
from cotrain.tuning import LearnerRecipes, Recipes


def run(study: Study) -> str:
    settings = study.settings
    recipes = {name: LearnerRecipes.of(one, {}) for name, one in settings.learners.items()}
    Recipes(recipes).save(study.recipes)
    return "tune: nothing to try, `tune.trials` is 0; settings stay as they are in params.yaml"
