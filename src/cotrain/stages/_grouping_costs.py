"""What groupings cost: models, parameters at inference, labels trained on, seconds."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from cotrain.allocation import encode_tasks
from cotrain.grouping import Group, Grouping
from cotrain.settings import ModelSettings
from cotrain.training import Journal

Rivals = Mapping[str, Sequence[Grouping]]


def grouping_costs(
    rivals: Rivals, rows: pd.DataFrame, n_features: int, model: ModelSettings
) -> pd.DataFrame:
    """Return the counted costs of groupings, one row each; means where a name has several.

    n_models; n_parameters, of all models; label_passes, labels trained on times epochs, of one
    repeat. Counts, not seconds: the same study gives the same figures anywhere.
    """
    sizes = [n_features, *model.hidden]
    trunk = sum((inputs + 1) * units for inputs, units in pairwise(sizes))
    labels = rows.groupby("members")["n_labels"].sum() / rows["repeat"].nunique()

    def parameters(group: Group) -> int:
        return trunk + len(group) * (sizes[-1] + 1)

    def label_passes(group: Group) -> float:
        return float(model.epochs * labels[encode_tasks(group)])

    found = {
        name: {
            "n_models": _mean(len, groupings),
            "n_parameters": _mean(lambda one: sum(map(parameters, one)), groupings),
            "label_passes": _mean(lambda one: sum(map(label_passes, one)), groupings),
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
