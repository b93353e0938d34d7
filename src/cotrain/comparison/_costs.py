"""What ways to predict cost: models, labels trained on, seconds."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cotrain.allocation import Fit
from cotrain.comparison._models import Model, Way
from cotrain.tasks import TaskTable
from cotrain.training import Learners


def way_costs(
    ways: Sequence[Way],
    fits: Mapping[Model, Sequence[Fit]],
    table: TaskTable,
    learners: Learners,
) -> pd.DataFrame:
    """What ways cost, one row each; means where a name has several.

    n_models; of one repeat's training n_labels, the labels trained on, and seconds, as the
    learners' cost models have them for one core. What a clock says is no result: the same study
    gives the same figures anywhere. `fits` has each model's fits, one a repeat.
    """
    one = {
        model: (
            float(np.mean([table.label_counts[fit.allocation.matrix].sum() for fit in own])),
            float(learners.cost(table, own).mean()),
        )
        for model, own in fits.items()
    }
    rows = [
        (way.name, len(way.models), *(sum(one[model][at] for model in way.models) for at in (0, 1)))
        for way in ways
    ]
    costs = pd.DataFrame(rows, columns=["grouping", "n_models", "n_labels", "seconds"])
    return costs.groupby("grouping", sort=False).mean()
