"""What groupings cost: models, parameters at inference, labels trained on, seconds."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from cotrain.allocation import Fit, encode_tasks
from cotrain.grouping import Grouping
from cotrain.tasks import TaskTable
from cotrain.training import Journal, Learner

Rivals = Mapping[str, Sequence[Grouping]]


def grouping_costs(
    rivals: Rivals, fits: Sequence[Fit], table: TaskTable, learner: Learner
) -> pd.DataFrame:
    """Return what groupings cost, one row each; means where a name has several.

    n_models; of one repeat's training n_labels, the labels trained on, and seconds, as the
    learner's cost model has them for one core. What a clock says is no result: the same study gives
    the same figures anywhere.
    """
    trained = pd.DataFrame(
        {
            "labels": [table.label_counts[fit.allocation.matrix].sum() for fit in fits],
            "seconds": learner.cost(table, fits),
        },
        index=[encode_tasks(fit.members) for fit in fits],
    )
    by_group = trained.groupby(level=0).mean()

    def total(column: str) -> Callable[[Grouping], float]:
        return lambda one: by_group.loc[[encode_tasks(group) for group in one], column].sum()

    found = {
        name: {
            "n_models": _mean(len, groupings),
            "n_labels": _mean(total("labels"), groupings),
            "seconds": _mean(total("seconds"), groupings),
        }
        for name, groupings in rivals.items()
    }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("grouping")


def measured_seconds(rivals: Rivals, rows: pd.DataFrame, journal: Journal) -> pd.Series:
    """Return the seconds that a repeat of each grouping took to train here; NaN if unknown."""
    fits = rows.drop_duplicates("fit_id")
    seconds = fits["fit_id"].map(journal.seconds(fits["fit_id"]))
    by_group = seconds.groupby(fits["members"]).sum(min_count=len(fits["repeat"].unique()))
    n_repeats = rows["repeat"].nunique()

    def train_seconds(grouping: Grouping) -> float:
        return float(sum(by_group[encode_tasks(group)] for group in grouping) / n_repeats)

    return pd.Series({name: _mean(train_seconds, found) for name, found in rivals.items()})


def _mean(cost: Callable[[Grouping], float], groupings: Sequence[Grouping]) -> float:
    return float(np.mean([cost(grouping) for grouping in groupings]))
