"""What each measure of pairs of tasks costs."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cotrain.affinity import AffinityRecord
from cotrain.allocation import Fit, Plan
from cotrain.settings import Settings
from cotrain.stages._affinity_tables import recorded_fits
from cotrain.tasks import TaskTable
from cotrain.training import count_operations, estimate_seconds


def cost_table(
    table: TaskTable,
    settings: Settings,
    plans: Mapping[str, Plan],
    records: Sequence[AffinityRecord],
) -> pd.DataFrame:
    """The fits that each measure rests on, their operations counted and their seconds estimated.

    Seconds are those of the cost model for one core, since what a clock says is no result;
    recording is taken to last in proportion to its operations.
    """
    subsets = [fit for fit in plans["subsets"].fits.values() if fit.kind in ("single", "subset")]
    planned = [fit for plan in plans.values() for fit in plan.fits.values()]
    grid = [fit for fit in planned if _is_in_grid(fit, settings, table.n_tasks)]
    recorded = recorded_fits(settings, table.n_tasks)
    plain = sum(record.flops for record in records)
    recording = sum(record.record_flops for record in records)
    rows = [
        ("affinity", recorded, 1 + recording / plain),
        ("surrogate relevance", subsets, 1.0),
        ("statTAG", grid, 1.0),
    ]
    return pd.DataFrame(
        {
            "measure": measure,
            "n_fits": len(fits),
            "gflop": factor * count_operations(table, fits, settings.model).sum() / 1e9,
            "seconds": factor * estimate_seconds(table, fits, settings.model).sum(),
        }
        for measure, fits, factor in rows
    )


def _is_in_grid(fit: Fit, settings: Settings, n_tasks: int) -> bool:
    """Whether a fit is of the statTAG grid; all-together fits may be planned for other ends too."""
    grid = settings.plan.augmentations
    return fit.auxiliary is not None or (
        len(fit.members) == n_tasks and fit.level in grid.levels and fit.repeat < grid.repeats
    )
