"""Which of a learner's recipes trains a fit: a task alone, some tasks, or all of them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, get_args

from cotrain.allocation._fit import Fit

Way = Literal["single", "group", "together"]
WAYS: tuple[Way, ...] = get_args(Way)


def way_of(n_members: int, n_tasks: int) -> Way:
    """The way of training `n_members` of `n_tasks` tasks."""
    if n_members == 1:
        return "single"
    return "together" if n_members == n_tasks else "group"


def recipe_name(learner: str, n_members: int, n_tasks: int) -> str:
    """The name of a learner's recipe for so many members, as fits carry it in `learner`.

    >>> recipe_name("network", 3, 30)
    'network/group'
    """
    return f"{learner}/{way_of(n_members, n_tasks)}"


def learner_name(recipe: str) -> str:
    """The learner of a recipe, by its name in the settings.

    >>> learner_name("network/group")
    'network'
    """
    return recipe.rpartition("/")[0] or recipe


def by_recipe(learner: str, fits: Iterable[Fit]) -> list[Fit]:
    """The fits, each trained by the recipe of `learner` for its number of members."""
    return [
        replace(fit, learner=recipe_name(learner, len(fit.members), fit.allocation.n_tasks))
        for fit in fits
    ]
