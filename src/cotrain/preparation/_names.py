import pandas as pd

from cotrain.exceptions import DataError
from cotrain.features import canonical_smiles
from cotrain.sources import Measurements


def name_examples(measurements: Measurements) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the measurements with examples named by canonical SMILES, and the rejected rows.

    A source with features of its own keeps its names.

    Returns
    -------
    table : DataFrame with columns file, row, example, task, value
    rejects : DataFrame with columns file, row, example, smiles, reason
        Each row of a file once, however many values stand in it.

    Raises
    ------
    DataError
        If no molecule can be parsed.
    """
    table = measurements.table
    columns = ["file", "row", "example", "task", "value"]
    if measurements.features is not None:
        return table[columns], table.iloc[:0][["file", "row", "example", "smiles"]].assign(
            reason=""
        )
    distinct = pd.Series(table["smiles"].unique())
    names = pd.Series(canonical_smiles(distinct.tolist()), index=distinct, dtype=object)
    named = table.assign(example=table["smiles"].map(names))
    is_reject = named["example"].isna()
    if is_reject.all():
        first = table.iloc[0]
        raise DataError(
            f"{first.file}: no molecule can be parsed, the first is {first.smiles!r} in row "
            f"{first.row}; check that this column holds SMILES"
        )
    rejects = table.loc[is_reject, ["file", "row", "example", "smiles"]].drop_duplicates()
    blank = rejects["smiles"] == ""
    reason = blank.map({True: "no SMILES", False: "SMILES cannot be parsed"})
    rejects = rejects.assign(reason=reason).sort_values(["file", "row"], ignore_index=True)
    return named.loc[~is_reject, columns], rejects
