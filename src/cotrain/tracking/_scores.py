"""Runs read back as rows of (fit, task)."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cotrain.tracking._names import decode_task
from cotrain.tracking._records import FIT_ID
from cotrain.tracking._store import LARGEST, StoredFit

FIT_COLUMNS = ("fit_id", "kind", "repeat", "members", "level", "auxiliary")
_NUMBERS = ("repeat", "level", "n_labels")


def score_frame(fits: Iterable[StoredFit], long_names: dict[str, str]) -> pd.DataFrame:
    """One row a (fit, task), sorted by both, with a column for each score that was logged."""
    names = (FIT_ID, *(f"cotrain.{name}" for name in FIT_COLUMNS[1:]))
    heads: list[tuple[str | None, ...]] = []
    fit_codes: list[int] = []
    key_codes: list[int] = []
    values: list[float] = []
    keys: dict[str, int] = {}
    for at, fit in enumerate(fits):
        heads.append(tuple(fit.tags.get(name) for name in names))
        for name, value in fit.metrics.items():
            if "/" in name:
                fit_codes.append(at)
                key_codes.append(keys.setdefault(name, len(keys)))
                values.append(value)
    columns, tasks, column_of_key, task_of_key = _split(keys, long_names)
    key = np.array(key_codes, dtype=np.int64)
    cell = np.array(fit_codes, dtype=np.int64) * max(len(tasks), 1) + task_of_key[key]
    cells, row = np.unique(cell, return_inverse=True)
    table = np.full((len(cells), len(columns)), np.nan)
    table[row, column_of_key[key]] = values
    table = np.where(np.abs(table) >= LARGEST, np.copysign(np.inf, table), table)
    frame = pd.DataFrame(heads, columns=list(FIT_COLUMNS)).iloc[cells // max(len(tasks), 1)]
    frame = frame.assign(task=np.array(tasks, dtype=object)[cells % max(len(tasks), 1)])
    frame = pd.concat([frame.reset_index(drop=True), pd.DataFrame(table, columns=columns)], axis=1)
    frame = frame.astype({name: np.int64 for name in _NUMBERS if name in frame})
    return frame.sort_values(["fit_id", "task"], ignore_index=True)


def _split(
    keys: Iterable[str], long_names: dict[str, str]
) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Columns and tasks, and which of them each metric key stands for."""
    columns: dict[str, int] = {"n_labels": 0}
    tasks: dict[str, int] = {}
    pairs = []
    for key in keys:
        column, _, code = key.partition("/")
        task = decode_task(code, long_names)
        pairs.append((columns.setdefault(column, len(columns)), tasks.setdefault(task, len(tasks))))
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return list(columns), list(tasks), both[:, 0], both[:, 1]
