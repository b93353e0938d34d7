"""The models that a comparison needs, named so that each repeat trains the same ones."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cotrain.allocation import (
    Fit,
    FoldUse,
    Rotation,
    by_recipe,
    learner_name,
    recipe_name,
    subset_fit,
    way_of,
)
from cotrain.grouping import Grouping
from cotrain.tasks import TaskTable

# Between the seeds of two draws of one model: more than any study has repeats.
_DRAW = 1_000_003


@dataclass(frozen=True, order=True)
class Model:
    """A model of some tasks, trained anew in each repeat."""

    learner: str  # the name of its learner
    members: tuple[int, ...]  # the tasks it is trained on, ascending
    draw: int = 0  # which of several models that differ in their seed alone
    # the tasks it predicts, ascending: the others only help to train it; empty: all members
    serves: tuple[int, ...] = ()

    @property
    def predicts(self) -> tuple[int, ...]:
        return self.serves or self.members

    def fit(self, n_tasks: int, level: int, rotation: Rotation) -> Fit:
        """The fit of one repeat, over the first `level` training folds."""
        drawn = replace(rotation, seed=rotation.seed + _DRAW * self.draw)
        way = way_of(len(self.members), n_tasks)
        fit = subset_fit(n_tasks, self.members, level, drawn, way)
        return by_recipe(self.learner, [fit])[0]

    def final_fit(self, table: TaskTable, seed: int, stopping: tuple[int, ...] = ()) -> Fit:
        """The fit on all folds but `stopping`, which early stopping needs."""
        train = tuple(fold for fold in range(table.n_folds) if fold not in stopping)
        return self.fit(table.n_tasks, len(train), Rotation(0, FoldUse(train, stopping, ()), seed))


@dataclass(frozen=True)
class Phase:
    """When models are trained: the repeats, and over how many of their training folds."""

    repeats: Sequence[Rotation]
    level: int


@dataclass(frozen=True)
class Way:
    """A way to predict all tasks: what the recommended portfolio is compared with."""

    name: str  # as in tables: `all together`, `forest`, ...
    # each task is predicted by the mean output of those that hold it; none: by its base rate
    models: tuple[Model, ...]
    # whether a task is predicted by one model instead, the best on validation labels
    served: bool = False


class HasMembers(Protocol):
    """A model as far as its role depends on it."""

    @property
    def learner(self) -> str: ...
    @property
    def members(self) -> Sequence[Hashable]: ...


def roles_of(models: Sequence[HasMembers]) -> list[str]:
    """What each model of a portfolio is to its blend, where models of one role share a weight.

    The name of its learner; of a learner that trains tasks in several ways the recipe's.

    Examples
    --------
    >>> roles_of([Model("forest", (0, 1)), Model("network", (0, 1)), Model("network", (0,))])
    ['forest', 'network/together', 'network/single']
    """
    n_tasks = len({task for model in models for task in model.members})
    recipes = [recipe_name(model.learner, len(model.members), n_tasks) for model in models]
    ways = Counter(learner_name(recipe) for recipe in dict.fromkeys(recipes))
    return [
        recipe if ways[model.learner] > 1 else model.learner
        for recipe, model in zip(recipes, models, strict=True)
    ]


def models_of(learner: str, grouping: Grouping, served_by: Sequence[int] = ()) -> tuple[Model, ...]:
    """A model a group; with the place of the group that serves each task, it predicts those alone.

    A group that then serves none has no model.
    """
    if not served_by:
        return tuple(Model(learner, tuple(group)) for group in grouping)
    models = []
    for place, group in enumerate(grouping):
        serves = tuple(task for task in group if served_by[task] == place)
        if serves:
            whole = len(serves) == len(group)
            models.append(Model(learner, tuple(group), serves=() if whole else serves))
    return tuple(models)


def draws(learner: str, members: Sequence[int], n: int) -> tuple[Model, ...]:
    """`n` models that differ in their seed alone."""
    return tuple(Model(learner, tuple(members), draw) for draw in range(n))


def distinct(ways: Iterable[Way]) -> list[Model]:
    """The models of all ways, each once, in their order."""
    return list(dict.fromkeys(model for way in ways for model in way.models))
