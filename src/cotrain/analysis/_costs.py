"""What each measure of pairs of tasks costs."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from cotrain.allocation import Fit
from cotrain.settings import AugmentationSettings
from cotrain.tasks import TaskTable
from cotrain.training import Learners


def cost_table(
    table: TaskTable,
    learners: Learners,
    measures: Mapping[str, Sequence[Fit]],
    factors: Mapping[str, float],
) -> pd.DataFrame:
    """The fits that each measure rests on, their operations counted and their seconds estimated.

    Seconds are those of the cost model for one core, since what a clock says is no result.
    `factors` are how many times as much as its fits a measure costs, where that is not 1.
    """
    return pd.DataFrame(
        {
            "measure": measure,
            "n_fits": len(fits),
            "gflop": factors.get(measure, 1.0) * learners.operations(table, fits).sum() / 1e9,
            "seconds": factors.get(measure, 1.0) * learners.cost(table, fits).sum(),
        }
        for measure, fits in measures.items()
    )


def grid_fits(fits: Iterable[Fit], grid: AugmentationSettings, n_tasks: int) -> list[Fit]:
    """Those of the statTAG grid; all-together fits may be planned for other ends too."""
    if grid.sources == "none":
        return []
    return [
        fit
        for fit in fits
        if fit.auxiliary is not None
        or (len(fit.members) == n_tasks and fit.level in grid.levels and fit.repeat < grid.repeats)
    ]
