"""From settings to learners, and how long their fits take."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cotrain.allocation import Fit
from cotrain.registry import LEARNERS
from cotrain.settings import Section
from cotrain.tasks import TaskTable
from cotrain.training._learner import Learner


def make_learner(settings: Section) -> Learner:
    """The learner that a section of params.yaml describes, by its `kind`."""
    kind: str = settings.kind  # type: ignore[attr-defined]
    return LEARNERS.find(kind)(settings)


class Learners(dict[str, Learner]):
    """Learners by the names that fits carry."""

    def identities(self) -> dict[str, dict[str, Any]]:
        """What of each learner's settings is part of a fit's identity."""
        return {name: learner.identity() for name, learner in self.items()}

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """The seconds that each fit takes on one core, about, float64 (n_fits,)."""
        return self._each(fits, lambda learner, own: learner.cost(table, own))

    def operations(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        """Floating-point operations of training each fit, (n_fits,); NaN where none are counted."""
        return self._each(fits, lambda learner, own: learner.operations(table, own))

    def _each(
        self, fits: Sequence[Fit], count: Callable[[Learner, Sequence[Fit]], np.ndarray]
    ) -> np.ndarray:
        result = np.zeros(len(fits))
        for name in dict.fromkeys(fit.learner for fit in fits):
            places = [place for place, fit in enumerate(fits) if fit.learner == name]
            result[places] = count(self[name], [fits[place] for place in places])
        return result


def estimate_seconds(
    learner: Learner | Learners,
    table: TaskTable,
    fits: Sequence[Fit],
    measured: Mapping[Fit, float] | None = None,
) -> np.ndarray:
    """The seconds that each fit takes on one core, about, float64 (n_fits,).

    Parameters
    ----------
    measured : mapping of Fit to float, optional
        Seconds that fits of the same table and learner took here; they set the scale.
    """
    costs = learner.cost(table, fits)
    if measured:
        costs = costs * sum(measured.values()) / learner.cost(table, list(measured)).sum()
    return costs
