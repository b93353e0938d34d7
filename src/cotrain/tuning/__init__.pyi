from ._recipes import (
    LearnerRecipes as LearnerRecipes,
    Recipe as Recipe,
    Recipes as Recipes,
)
