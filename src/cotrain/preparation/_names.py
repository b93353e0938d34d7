"""Records under the names of their examples, and those that have none."""

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.features import Featurizer
from cotrain.sources import RawTable


def name_examples(raw: RawTable, featurizer: Featurizer) -> tuple[RawTable, pd.DataFrame]:
    """Return the records that have values under the names of their examples, and the rejects.

    Returns
    -------
    named : RawTable
        With the values of its records.
    rejects : DataFrame with columns file, row, example, input, reason
        `input` is the cell that the features would be made of. In the order of the files.
    """
    measured = np.unique(raw.values["record"].to_numpy())
    chosen = raw.take(measured)
    found = featurizer.names(chosen)
    kept = np.array([name is not None for name in found.names], dtype=bool)
    rejects = chosen.records[~kept].assign(input="", reason=found.reasons[~kept])
    if (column := getattr(featurizer.settings, "column", None)) in chosen.inputs:
        rejects["input"] = chosen.inputs[column].to_numpy()[~kept]
    rejects = rejects.sort_values(["file", "row"], ignore_index=True)
    if not kept.any() or (len(kept) >= 10 and kept.mean() < 0.5):
        first = rejects.iloc[0]
        raise DataError(
            f"{first.file}: {int((~kept).sum())} of {len(kept)} records cannot be used, the first "
            f"in row {first.row} ({first.reason}); check the column that "
            "`prepare.features` names"
        )
    place = np.full(len(raw.records), -1)
    place[measured[kept]] = np.arange(int(kept.sum()))
    values = raw.values.assign(record=place[raw.values["record"].to_numpy()])
    values = values[values["record"] >= 0].reset_index(drop=True)
    part = chosen.take(np.flatnonzero(kept))
    records = part.records.assign(example=found.names[kept])
    named = RawTable(records, part.inputs, values, raw.summary, part.features, folder=raw.folder)
    return named, rejects
