"""Folds in the order of time."""

from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.settings import Choice
from cotrain.sources import RawTable
from cotrain.splits._splitter import Folds, Splitter


class TimeSettings(Choice):
    """A column of dates, years or numbers that rise with time."""

    kind: Literal["time"]
    column: str


class TimeSplitter(Splitter):
    """Fold 0 is the oldest, the last fold the newest, all of much the same size.

    An example that was measured several times counts from its first date. Examples of one date
    stay in one fold unless they are more than half a fold; those without a date count as the
    oldest, and are told.
    """

    Settings = TimeSettings

    def folds(self, raw: RawTable, labels: csr_array, n_folds: int, seed: int) -> Folds:  # noqa: ARG002
        texts = raw.column(self.settings.column, "prepare.split.column").astype(str)
        when = read_times(texts)
        n_unknown = int(when.isna().sum())
        if n_unknown == len(when):
            raise DataError(
                f"`prepare.split.column`: `{self.settings.column}` holds no dates, years or "
                f"numbers in one way of writing, but {texts.iloc[0]!r} and the like; name another "
                "column"
            )
        names, example = np.unique(raw.names, return_inverse=True)
        if names.size < n_folds:
            raise DataError(
                f"`prepare.n_folds`: {names.size} examples make no {n_folds} folds; take fewer"
            )
        first = np.full(names.size, np.inf)
        np.minimum.at(first, example, when.fillna(when.min()).to_numpy())
        shuffled = np.random.default_rng(seed).permutation(names.size)
        order = shuffled[np.argsort(first[shuffled], kind="stable")]
        cuts = _cuts(first[order], n_folds)
        result = np.empty(names.size, dtype=np.int64)
        result[order] = np.searchsorted(cuts, np.arange(names.size), side="right")
        notes = []
        if n_unknown:
            notes.append(
                f"{n_unknown} of {len(when)} records have no date in `{self.settings.column}`: "
                "they count as the oldest"
            )
        at = pd.Series(texts.to_numpy()).groupby(example).first()
        return Folds(result, at.to_numpy(dtype=object), tuple(notes))


def read_times(texts: pd.Series) -> pd.Series:
    """Return dates, years or other numbers as numbers that rise with time; NaN: none."""
    numbers = pd.to_numeric(texts, errors="coerce").astype(float)
    known = texts[~texts.isin(["", "nan", "None"])]
    if numbers[known.index].notna().sum() >= len(known) / 2:
        return numbers
    quarter = texts.str.extract(r"^(\d{4})[- ]?[qQ]([1-4])$").astype(float)
    if quarter[0].notna().sum() >= len(known) / 2:
        return quarter[0] + quarter[1] / 4
    digits = pd.to_numeric(texts.str.extract(r"^\D*(\d+)$")[0], errors="coerce").astype(float)
    # 04/01/2015 is the first of April or the fourth of January: as no other date speaks against.
    second = texts.str.extract(r"^\d{1,2}[-/. ](\d{1,2})[-/. ]")[0].astype(float)
    day_first = not (second > 12).any()
    for options in ({"format": "ISO8601"}, {"format": "mixed", "dayfirst": day_first}):
        dates = pd.to_datetime(texts, errors="coerce", utc=True, **options)
        if dates.notna().sum() >= len(known) / 2:
            days = (dates - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1)
            return days.astype(float)
    return digits  # numbers behind letters, such as E-0012345


def _cuts(times: np.ndarray, n_folds: int) -> np.ndarray:
    """Where folds begin among sorted times: even places, moved to where the time changes."""
    n = times.size
    changes = np.flatnonzero(np.diff(times) > 0) + 1
    cuts = []
    for fold in range(1, n_folds):
        even = fold * n / n_folds
        near = changes[np.abs(changes - even) < n / n_folds / 2] if changes.size else changes
        cuts.append(int(near[np.abs(near - even).argmin()]) if near.size else int(even))
    return np.array(cuts)
