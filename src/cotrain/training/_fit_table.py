"""The fit table: what every fit scored, one row per (fit, task). The truth that DVC carries."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cotrain.allocation import Fit, decode_tasks, encode_tasks
from cotrain.files import read_parquet, reading, write_parquet
from cotrain.scores import SCORES
from cotrain.tasks import TaskTable
from cotrain.training._result import FitResult

SCORE_COLUMNS = tuple(f"{part}_{score}" for part in ("val", "test") for score in SCORES)

# Rows of one fit, column by column: thousands of small data frames would cost more than the fits.
Rows = dict[str, np.ndarray]

_TYPES = {
    "fit_id": "str",
    "plan": "str",
    "kind": "str",
    "learner": "str",
    "repeat": "int64",
    "seed": "int64",
    "evaluation_folds": "str",
    "members": "str",
    "level": "int64",
    "auxiliary": "str",
    "task_weights": "str",
    "placebo": "Int64",
    "task": "str",
    "n_labels": "int64",
    **dict.fromkeys(SCORE_COLUMNS, "float64"),
}


def describe_fit(table: TaskTable, plan: str, fit_id: str, fit: Fit) -> dict[str, Any]:
    """What the fit table says of a fit in each of its rows."""
    weights = fit.task_weights
    validation, test = (" ".join(map(str, use)) for use in (fit.folds.validation, fit.folds.test))
    return {
        "fit_id": fit_id,
        "plan": plan,
        "kind": fit.kind,
        "learner": fit.learner,
        "repeat": fit.repeat,
        "seed": fit.seed,
        "evaluation_folds": f"validation {validation}, test {test}",
        "members": encode_tasks(fit.members),
        "level": fit.level,
        "auxiliary": None if fit.auxiliary is None else table.tasks[fit.auxiliary],
        "task_weights": None if weights is None else " ".join(f"{w:.6g}" for w in weights),
        "placebo": fit.placebo,
    }


def fit_rows(table: TaskTable, plan: str, fit_id: str, fit: Fit, scores: FitResult) -> Rows:
    """The rows of one fit in the fit table, one a member, as columns."""
    names = np.array(table.tasks, dtype=object)
    values = np.hstack([scores.validation, scores.test])
    described = describe_fit(table, plan, fit_id, fit)
    shared = {
        name: np.full(scores.tasks.size, value, dtype=object) for name, value in described.items()
    }
    own = {"task": names[scores.tasks], "n_labels": scores.n_labels}
    return {**shared, **own, **dict(zip(SCORE_COLUMNS, values.T, strict=True))}


def fit_table(rows: Iterable[Rows]) -> pd.DataFrame:
    """The rows of many fits as one table with the columns' proper types."""
    parts = list(rows)
    if not parts:
        return pd.DataFrame(columns=list(_TYPES)).astype(_TYPES)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in _TYPES}
    return pd.DataFrame(columns).astype(_TYPES)


def save_fit_table(path: Path, table: pd.DataFrame) -> None:
    """Write a fit table; the same table gives the same bytes."""
    write_parquet(path, table, "fit table")


def load_fit_table(path: Path) -> pd.DataFrame:
    """Read a fit table; DataError if the file is missing or is not a fit table."""
    expected = path, "fit table", "remove it and run `dvc repro`, or `dvc pull` to fetch it,"
    table = read_parquet(*expected)
    with reading(*expected):
        return table[list(_TYPES)].astype(_TYPES)


def results_of(rows: pd.DataFrame) -> FitResult:
    """The result that the rows of one fit hold, without its predictions."""
    values = rows[list(SCORE_COLUMNS)].to_numpy(dtype=np.float64)
    return FitResult(
        tasks=np.array(decode_tasks(rows["members"].iloc[0]), dtype=np.int64),
        n_labels=rows["n_labels"].to_numpy(dtype=np.int64),
        validation=values[:, : len(SCORES)],
        test=values[:, len(SCORES) :],
        n_epochs=0,
    )
