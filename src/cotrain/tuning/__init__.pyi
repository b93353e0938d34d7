from ._recipes import LearnerRecipes, Recipe, Recipes, plain_settings

__all__ = ["LearnerRecipes", "Recipe", "Recipes", "plain_settings"]
