"""Measured values: checked, transformed, merged and labelled."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.settings import LabelSettings


@dataclass(frozen=True, eq=False)
class Labelled:
    """One label for each (example, task), and where the values did not agree.

    Attributes
    ----------
    labels : DataFrame with columns example, task, label
        Distinct pairs. `label` is 0 or 1, or the value of a real-valued task.
    conflicts : DataFrame with columns example, task, n_values, lowest, median, highest, label
        Pairs whose values, one by one, would get different classes. `label` is missing where
        as many values say 0 as say 1, so that the pair stays without a label.
    n_pairs : int
        Distinct pairs before such draws are left out.
    """

    labels: pd.DataFrame
    conflicts: pd.DataFrame
    n_pairs: int


def check_values(table: pd.DataFrame, settings: LabelSettings) -> None:
    """Raise unless the settings can label every value of the measurements `table`.

    Raises
    ------
    DataError
        For binary labels other than 0 and 1, or the logarithm of what is not positive; the
        message names the first such row.
    """
    if settings.kind == "binary":
        wrong = ~table["value"].isin((0, 1))
        rule = "is neither 0 nor 1; correct it, or set `prepare.label.kind` to threshold or real"
    elif settings.transform == "neg_log10":
        wrong = table["value"] <= 0
        rule = "has no logarithm; correct it, or set `prepare.label.transform` to none"
    else:
        return
    if wrong.any():
        at = table[wrong].iloc[0]
        raise DataError(f"{at.file}, row {at.row}, task `{at.task}`: {at.value:g} {rule}")


def label_values(table: pd.DataFrame, settings: LabelSettings) -> Labelled:
    """Return one label for each (example, task) of `table`: of the median, if there are several.

    The median is taken of the transformed values, before the threshold.
    """
    value = table["value"]
    if settings.transform == "neg_log10":
        value = -np.log10(value)
    pairs = table[["example", "task"]].assign(value=value, label=_label(value, settings))
    grouped = pairs.groupby(["example", "task"], sort=False)
    merged = grouped["value"].median().reset_index(name="value")
    merged["label"] = _label(merged["value"], settings)
    figures = {"n_values": "size", "lowest": "min", "median": "median", "highest": "max"}
    spread = pd.DataFrame({name: grouped["value"].agg(how) for name, how in figures.items()})
    spread = spread.reset_index().assign(label=merged["label"])
    disagree = (grouped["label"].min() != grouped["label"].max()).to_numpy()
    conflicts = spread.loc[disagree & (settings.kind != "real")]
    labels = merged.dropna(subset="label")[["example", "task", "label"]]
    return Labelled(labels.reset_index(drop=True), _sorted(conflicts), len(merged))


def _sorted(conflicts: pd.DataFrame) -> pd.DataFrame:
    return conflicts.sort_values(["task", "example"], ignore_index=True)


def _label(value: pd.Series, settings: LabelSettings) -> pd.Series:
    match settings.kind:
        case "real":
            return value
        case "binary":
            # A median of 0.5 is a draw: as many measurements say 0 as say 1.
            return value.where(value != 0.5)
        case "threshold":
            at_most = settings.active == "at_most"
            active = value <= settings.threshold if at_most else value >= settings.threshold
            return active.astype(float)
