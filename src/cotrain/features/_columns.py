"""Columns of a table: numbers scaled, categories one-hot, missing values told."""

from typing import Annotated, Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field

from cotrain.features._featurizer import Featurizer
from cotrain.settings import Choice, Count, within
from cotrain.sources import RawTable, read_cells
from cotrain.tasks import Features
from cotrain.words import listing

_SHOWN = 5
# Scaled values are cut here: a number of one odd example must not outweigh all others.
LIMIT = 5.0


class ColumnsSettings(Choice):
    """Which columns, and how many categories one may have beside the rare ones."""

    kind: Literal["columns"]
    columns: Annotated[list[str], Field(min_length=1)]
    max_categories: Annotated[int, within(2, 100_000, "each is a feature")] = 50
    min_examples: Count = 5


class Columns(Featurizer):
    """Numbers by median and quartiles, cut at ±5; categories one-hot; gaps as a feature.

    A column is one of numbers if nine in ten of its cells that are no gaps are numbers. A gap in
    it is 0, the median, and 1 in a feature beside it that says so, if the fitted examples had
    any. Categories that few examples have, and those unseen before, share one feature.
    """

    Settings = ColumnsSettings

    def fit(self, raw: RawTable) -> Self:
        wanted: ColumnsSettings = self.settings
        self.state = {
            name: _fit(raw.column(name, "prepare.features.columns"), wanted)
            for name in wanted.columns
        }
        return self

    def transform(self, raw: RawTable) -> Features:
        parts = [
            _transform(raw.column(name, "prepare.features.columns"), self.state[name])
            for name in self.settings.columns
        ]
        return np.hstack(parts).astype(np.float32)

    def notes(self, raw: RawTable, features: Features) -> list[str]:  # noqa: ARG002
        alike, odd = [], []
        for name, state in self.state.items():
            column = raw.column(name, "prepare.features.columns")
            if column.nunique() < 2:
                alike.append(f"`{name}`")
            elif "scale" in state:
                numbers, is_gap = _numbers(column)
                if n_odd := int((~np.isfinite(numbers) & ~is_gap).sum()):
                    odd.append(f"{n_odd} of `{name}`")
        said = [f"columns of one value alone, which tell nothing: {listing(alike, _SHOWN)}"]
        said += [f"cells that are no finite numbers count as the median: {listing(odd, _SHOWN)}"]
        return [note for note, found in zip(said, (alike, odd), strict=True) if found]


def _fit(column: pd.Series, wanted: ColumnsSettings) -> dict[str, Any]:
    numbers, is_gap = _numbers(column)
    n_known = int((~is_gap).sum())
    if np.isfinite(numbers).sum() >= 0.9 * n_known > 0:
        return {"scale": fit_scale(numbers[:, None]), "has_gaps": bool(is_gap.any())}
    counts = column[~is_gap].astype(str).value_counts()
    often = counts[counts >= min(wanted.min_examples, max(n_known // 10, 1))]
    return {"categories": sorted(often.index[: wanted.max_categories].tolist())}


def _transform(column: pd.Series, state: dict[str, Any]) -> np.ndarray:
    numbers, is_gap = _numbers(column)
    if "scale" in state:
        scaled = apply_scale(numbers[:, None], state["scale"])
        return np.hstack([scaled, is_gap[:, None]]) if state["has_gaps"] else scaled
    categories = state["categories"]
    code = pd.Index(categories).get_indexer(pd.Index(column.astype(str)))
    code[(code < 0) & ~is_gap] = len(categories)
    # A gap is no category: all of its features are 0.
    return np.asarray(code[:, None] == np.arange(len(categories) + 1), dtype=np.float32)


def _numbers(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Cells as numbers, NaN where they are none, and where they are gaps."""
    read = read_cells(column.fillna("").astype(str))
    value = read.value.where(~read.words).to_numpy(dtype=np.float64)
    is_gap = read.value.isna() & ~read.wrong & ~read.words
    return value, is_gap.to_numpy()


def fit_scale(values: np.ndarray) -> dict[str, Any]:
    """Return each column's median and spread as plain numbers, (D,) each.

    The spread is the range between the quartiles, or the standard deviation where that is 0; a
    column without any spread gets 0, and is 0 when scaled.
    """
    known = np.where(np.isfinite(values), values, np.nan)
    known[:, np.isnan(known).all(axis=0)] = 0.0
    low, middle, high = np.nanquantile(known, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low) / 1.349
    spread = np.where(spread > 0, spread, np.nanstd(known, axis=0))
    return {"middle": middle.tolist(), "spread": spread.tolist()}


def apply_scale(values: np.ndarray, scale: dict[str, Any]) -> np.ndarray:
    """Return (value - median) / spread, cut at ±5, unknown values as 0; float32, (N, D)."""
    middle, spread = np.array(scale["middle"]), np.array(scale["spread"])
    useful = spread > 0
    scaled = np.where(useful, (values - middle) / np.where(useful, spread, 1.0), 0.0)
    return np.clip(np.nan_to_num(scaled, nan=0.0), -LIMIT, LIMIT).astype(np.float32)
