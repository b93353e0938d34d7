"""Groups that are blended: what a task gains by the average of all models that hold it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cotrain.grouping.value._groups import Floats, GroupValue, Members, finite_vector


@dataclass(frozen=True, eq=False)
class BlendedValue:
    """Return the scores of `value`, and say what averaging over groups adds to them.

    A task that m chosen groups hold is worth the best of their scores and
    averaging_gain · (1 − 1/m): averaging m models takes 1 − 1/m of the variance away that single
    fits differ by, whatever else they share (Krogh and Vedelsby 1995). A group may be chosen
    several times: it is then trained with several seeds. The model takes the groups for equally
    good; a blend that is fitted on validation labels leaves a poor one out.

    Parameters
    ----------
    value : GroupValue
        The score of each task in each group by itself.
    averaging_gain : array, shape (n_tasks,)
        The score that averaging very many models adds to that of one; at least 0.

    Examples
    --------
    >>> from cotrain.grouping import Constraints, LinearValue, Objective
    >>> alone = LinearValue([0.5, 0.5], [[0, 0.1], [0.1, 0]])
    >>> blended = Objective(BlendedValue(alone, [0.2, 0.0]), Constraints())
    >>> round(blended.score(np.array([[True, True], [True, False]])), 3)
    0.65
    """

    value: GroupValue
    averaging_gain: Floats

    def __post_init__(self) -> None:
        gain = finite_vector("averaging_gain", self.averaging_gain, self.value.n_tasks)
        if gain.min() < 0:
            raise ValueError(
                f"averaging_gain must not be negative, got {gain.min()} for task {gain.argmin()}"
            )
        object.__setattr__(self, "averaging_gain", gain)

    @classmethod
    def measured(
        cls, value: GroupValue, single: ArrayLike, averaged: ArrayLike, n_models: int
    ) -> "BlendedValue":
        """Return the value whose gain is what averages of `n_models` like models measured.

        Parameters
        ----------
        value : GroupValue
        single, averaged : arrays, shape (n_tasks,)
            Mean score of one model, and score of the average of `n_models`, higher is better. An
            average that is worse counts as no gain.
        n_models : int
        """
        if n_models < 2:
            raise ValueError(f"n_models must be at least 2, got {n_models}; average more models")
        gain = np.asarray(averaged, dtype=float) - np.asarray(single, dtype=float)
        return cls(value, np.maximum(gain, 0.0) / (1 - 1 / n_models))

    @property
    def n_tasks(self) -> int:
        """Return the number of tasks."""
        return self.value.n_tasks

    def scores(self, groups: Members) -> Floats:
        """Return the scores of `groups` by themselves, both of shape (n_groups, n_tasks)."""
        return self.value.scores(groups)
