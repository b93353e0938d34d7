"""The portfolio that `cotrain validate` recommends, and what it measured, as export reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cotrain import tables
from cotrain.comparison import Candidate, Model
from cotrain.exceptions import DataError
from cotrain.files import read_json
from cotrain.study import Study


@dataclass(frozen=True, eq=False)
class PortfolioFile:
    """The recommended portfolio and the tables of `data/validation/` that go with it.

    Attributes
    ----------
    portfolio : Candidate
    weights : dict of (str, str) to float
        By task and learner.
    scores : DataFrame
        task, score, mean, low, high, n_repeats.
    skill : DataFrame
        A row a task, of the index: skill, p_value, skilled.
    intervals : DataFrame
        task, coverage, half_width, n_examples, test_coverage.
    """

    portfolio: Candidate
    weights: dict[tuple[str, str], float]
    scores: pd.DataFrame
    skill: pd.DataFrame
    intervals: pd.DataFrame

    @classmethod
    def load(cls, study: Study, tasks: Sequence[str], data_version: str) -> "PortfolioFile":
        """Read what `cotrain validate` wrote.

        Raises
        ------
        DataError
            If a file is missing, is not what it must be, or was made of another task table.
        """
        portfolio = _portfolio(study.validation / "portfolio.json", tasks, data_version)
        path = study.validation / "weights.csv"
        weights = tables.read(study.validation, "weights")
        wanted = {(task, role) for task in tasks for role in portfolio.roles}
        pairs = list(zip(weights["task"], weights["role"], strict=True))
        good = (weights["weight"] >= 0).all()
        if set(pairs) != wanted or len(pairs) != len(wanted) or not good:
            raise _unreadable(path, "its weights are not those of the portfolio")
        path = study.validation / "served.csv"
        scores = tables.read(study.validation, "served")
        if set(scores["task"]) != set(tasks):
            raise _unreadable(path, "its tasks are not those of the task table")
        path = study.validation / "skill.csv"
        skill = tables.read(study.validation, "skill")
        if sorted(skill["task"]) != sorted(tasks):
            raise _unreadable(path, "its tasks are not those of the task table")
        path = study.validation / "intervals.csv"
        intervals = tables.read(study.validation, "intervals")
        if not set(intervals["task"]) <= set(tasks):
            raise _unreadable(path, "its tasks are not those of the task table")
        return cls(
            portfolio,
            dict(zip(pairs, weights["weight"].astype(float), strict=True)),
            scores,
            skill.set_index("task"),
            intervals,
        )


def _portfolio(path: Path, tasks: Sequence[str], data_version: str) -> Candidate:
    place = {name: index for index, name in enumerate(tasks)}
    found = read_json(path, "validate")
    try:
        made_of = found["data_version"]
        if made_of != data_version:
            raise DataError(
                f"{path}: made of another task table ({made_of}, not {data_version}); "
                "run `cotrain validate` again"
            )
        models = tuple(_model(one, place) for one in found["models"])
        return Candidate(str(found["name"]), models)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from error


def _model(found: dict[str, Any], place: dict[str, int]) -> Model:
    if unknown := [name for name in found["members"] if name not in place]:
        raise ValueError(f"no task is called {unknown[0]!r}")
    members = tuple(sorted(place[name] for name in found["members"]))
    if not members:
        raise ValueError("a model has no task")
    return Model(str(found["learner"]), members, int(found["draw"]))


def _unreadable(path: Path, reason: object) -> DataError:
    said = " ".join(str(reason).split())
    return DataError(f"{path}: cannot be read ({said}); run `cotrain validate`")
