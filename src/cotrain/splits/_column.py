"""Folds that a column of the user's says."""

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.settings import Choice
from cotrain.sources import RawTable
from cotrain.splits._balance import group_folds
from cotrain.splits._splitter import Folds, Splitter


class ColumnSettings(Choice):
    """A column, and the folds that each of its values stands for."""

    kind: Literal["column"]
    column: str
    folds: Annotated[dict[str, list[Annotated[int, Field(ge=0)]]], Field(min_length=1)]


class ColumnSplitter(Splitter):
    """Folds by a column such as train, valid and test, or fold numbers.

    `folds` says which folds a value stands for; the examples of a value with several folds are
    spread over them at random, labels balanced. An example whose records have different values is
    put where the value that stands first in `folds` says, and told.
    """

    Settings = ColumnSettings

    def folds(self, raw: RawTable, labels: csr_array, n_folds: int, seed: int) -> Folds:
        wanted: ColumnSettings = self.settings
        values = (
            raw.column(wanted.column, "prepare.split.column").astype(str).to_numpy(dtype=object)
        )
        order = {value: rank for rank, value in enumerate(wanted.folds)}
        if unknown := sorted(set(values) - set(order)):
            at = int(np.flatnonzero(values == unknown[0])[0])
            record = raw.records.iloc[at]
            raise DataError(
                f"{record.file}, row {record.row}, column `{wanted.column}`: {unknown[0]!r} is not "
                f"among {', '.join(order)}, which `prepare.split.folds` lists; add it"
            )
        named = sorted({fold for folds in wanted.folds.values() for fold in folds})
        if not named or named[-1] >= n_folds:
            raise DataError(
                f"`prepare.split.folds` must name folds in 0 .. {n_folds - 1}, as "
                f"`prepare.n_folds` says, got {named}"
            )
        ranks = pd.Series(values).map(order).groupby(raw.names).agg(["min", "max"])
        lowest, highest = ranks.to_numpy().T
        result = np.empty(lowest.size, dtype=np.int64)
        for value, rank in order.items():
            rows = np.flatnonzero(lowest == rank)
            places = np.array(wanted.folds[value], dtype=np.int64)
            if not rows.size:
                continue
            if not places.size:
                raise DataError(f"`prepare.split.folds.{value}` names no fold; name one or more")
            if len(places) == 1 or rows.size < len(places):
                result[rows] = places[np.arange(rows.size) % len(places)]
            else:
                result[rows] = places[group_folds(rows, csr_array(labels[rows]), len(places), seed)]
        groups = np.array(list(order), dtype=object)[lowest]
        n_mixed = int((lowest < highest).sum())
        note = (
            f"examples with records of several values of `{wanted.column}`: {n_mixed}; all "
            "their labels lie in the first of them"
        )
        return Folds(result, groups, (note,) if n_mixed else ())
