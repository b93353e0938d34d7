"""From settings to learners, and how long their fits take."""

from collections.abc import Mapping, Sequence

import numpy as np

from cotrain.allocation import Fit
from cotrain.registry import LEARNERS
from cotrain.settings import Section
from cotrain.tasks import TaskTable
from cotrain.training._learner import Learner


def make_learner(settings: Section) -> Learner:
    """The learner that a section of params.yaml describes, by its `kind`."""
    kind: str = settings.kind  # type: ignore[attr-defined]
    learner: Learner = LEARNERS.find(kind)(settings)
    return learner


def estimate_seconds(
    learner: Learner,
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
