"""Settings of learners found on validation labels, before any transfer is measured."""

from cotrain.tuning._recipes import LearnerRecipes, Recipe, Recipes, plain_settings

__all__ = ["LearnerRecipes", "Recipe", "Recipes", "plain_settings"]
