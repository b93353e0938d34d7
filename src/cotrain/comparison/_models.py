"""The models that a comparison needs, named so that each repeat trains the same ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cotrain.allocation import Fit, Kind, Rotation, by_recipe, subset_fit
from cotrain.grouping import Grouping

# Between the seeds of two draws of one model: more than any study has repeats.
_DRAW = 1_000_003


@dataclass(frozen=True, order=True)
class Model:
    """A model of some tasks, trained anew in each repeat.

    Attributes
    ----------
    learner : str
        The name of its learner.
    members : tuple of int
        The tasks it is trained on, ascending.
    draw : int
        Which of several models that differ in their seed alone.
    """

    learner: str
    members: tuple[int, ...]
    draw: int = 0

    def fit(self, n_tasks: int, level: int, rotation: Rotation) -> Fit:
        """The fit of one repeat, over the first `level` training folds."""
        drawn = replace(rotation, seed=rotation.seed + _DRAW * self.draw)
        kind: Kind = "single" if len(self.members) == 1 else "group"
        if len(self.members) == n_tasks:
            kind = "together"
        fit = subset_fit(n_tasks, self.members, level, drawn, kind)
        return by_recipe(self.learner, [fit])[0]


@dataclass(frozen=True)
class Way:
    """A way to predict all tasks: what the recommended portfolio is compared with.

    Attributes
    ----------
    name : str
        As in tables: `all together`, `forest`, ...
    models : tuple of Model
        Each task is predicted by the mean output of those that hold it; none: by its base rate.
    served : bool
        Whether a task is predicted by one model instead, the best on validation labels.
    """

    name: str
    models: tuple[Model, ...]
    served: bool = False


def models_of(learner: str, grouping: Grouping) -> tuple[Model, ...]:
    """One model a group."""
    return tuple(Model(learner, tuple(group)) for group in grouping)


def draws(learner: str, members: Sequence[int], n: int) -> tuple[Model, ...]:
    """`n` models that differ in their seed alone."""
    return tuple(Model(learner, tuple(members), draw) for draw in range(n))


def distinct(ways: Iterable[Way]) -> list[Model]:
    """The models of all ways, each once, in their order."""
    return list(dict.fromkeys(model for way in ways for model in way.models))
