"""The tables of a study, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files import read_json
from cotrain.tables import TABLES, read


@dataclass(frozen=True)
class Overview:
    """What the analysis was made of and how well its scores repeat (summary.json).

    Unknown figures are NaN. `repeats_needed` is how many repeats would make the scores reliable.
    """

    score: str
    curve_score: str
    n_repeats: int
    n_subsets: int
    n_levels: int
    reliability: float
    reliability_low: float
    reliability_high: float
    repeats_needed: float
    spearman: float
    ceiling: float
    placebo_helps: int | None
    placebo_hurts: int | None
    # The tasks that the others are sources of, if any are named.
    primary: tuple[str, ...] = ()

    @property
    def placebo_claims(self) -> int | None:
        """Pairs that the placebo decides; None if there is none."""
        if self.placebo_helps is None or self.placebo_hurts is None:
            return None
        return self.placebo_helps + self.placebo_hurts


@dataclass(frozen=True)
class Recommendation:
    """The recommended grouping and what is certified about it (grouping.json).

    Attributes
    ----------
    groups : tuple of tuples of str
    served_by : dict of str to int
        The group whose model serves each task; in other groups it is only auxiliary.
    predicted, bound : float
        Predicted mean score, and what none can be above; NaN where nothing is proven.
    is_optimal : bool
    gap : float
        How far above `predicted` the `bound` lies, as a share of its size; NaN as above.
    score : str
    n_trials : int
    n_unknown_affinities : int
        Ordered pairs of tasks without a gradient affinity.
    """

    groups: tuple[tuple[str, ...], ...]
    served_by: Mapping[str, int]
    predicted: float
    bound: float
    is_optimal: bool
    gap: float
    score: str
    n_trials: int
    n_unknown_affinities: int

    def is_auxiliary(self, group: int, task: str) -> bool:
        """Whether a task is in the group at this place only to help the others."""
        return self.served_by[task] != group


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that the report tells, as the stages wrote it; scores have their natural sign.

    The columns of each DataFrame are listed in `cotrain.tables`; an unknown number is NaN.
    `members` are the tasks of each model of the recommended portfolio.
    """

    overview: Overview
    recommendation: Recommendation
    summary: pd.DataFrame
    fold_counts: pd.DataFrame
    excluded: pd.DataFrame
    rejects: pd.DataFrame
    conflicts: pd.DataFrame
    transfer: pd.DataFrame
    relevance: pd.DataFrame
    surrogates: pd.DataFrame
    predictions: pd.DataFrame
    negative_transfer: pd.DataFrame
    pairwise: pd.DataFrame
    clusters: pd.DataFrame
    curves: pd.DataFrame
    curve_points: pd.DataFrame
    affinity: pd.DataFrame
    affinity_steps: pd.DataFrame
    costs: pd.DataFrame
    exchange_rates: pd.DataFrame
    next_labels: pd.DataFrame
    trials: pd.DataFrame
    front: pd.DataFrame
    comparison: pd.DataFrame
    task_comparison: pd.DataFrame
    portfolios: pd.DataFrame
    skill: pd.DataFrame
    weights: pd.DataFrame
    members: tuple[tuple[str, ...], ...]

    @classmethod
    def load(cls, prepared: Path, analysis: Path, grouping: Path, validation: Path) -> "Findings":
        """Return the findings of a study from the folders that its stages wrote.

        Raises
        ------
        DataError
            If a file or a column is missing, or a value is not what it must be; the message names
            it and the stage to run.
        """
        folders = {
            "prepare": prepared,
            "analyze": analysis,
            "group": grouping,
            "validate": validation,
        }
        shown = {field.name for field in fields(cls)} & set(TABLES)
        found = {name: read(folders[TABLES[name].stage], name) for name in sorted(shown)}
        return cls(
            overview=_overview(analysis / "summary.json"),
            recommendation=_recommendation(grouping / "grouping.json"),
            task_comparison=read(validation, "tasks"),
            members=_members(validation / "portfolio.json"),
            **found,
        )

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that were studied, in the order of the task table."""
        return tuple(dict.fromkeys(self.fold_counts["task"]))

    @property
    def n_folds(self) -> int:
        return int(self.fold_counts["fold"].nunique())


def _members(path: Path) -> tuple[tuple[str, ...], ...]:
    models = _take(read_json(path, "validate"), "models", path, "validate")
    try:
        return tuple(tuple(map(str, model["members"])) for model in models)
    except (TypeError, KeyError) as error:
        raise DataError(f"{path}: `models` cannot be read; run `cotrain validate` again") from error


def _overview(path: Path) -> Overview:
    values = read_json(path, "analyze")
    reliability = _take(values, "reliability", path, "analyze")
    if not isinstance(reliability, Mapping):
        raise DataError(f"{path}: `reliability` must be an object; run `cotrain analyze` again")

    def number(name: str, of: Mapping[str, Any] = values) -> float:
        return _number(of, name, path, "analyze")

    def claims(name: str) -> int | None:
        found = number(name)
        return None if np.isnan(found) else int(found)

    return Overview(
        score=str(_take(values, "score", path, "analyze")),
        curve_score=str(_take(values, "curve_score", path, "analyze")),
        n_repeats=int(number("n_repeats")),
        n_subsets=int(number("n_subsets")),
        n_levels=int(number("n_levels")),
        reliability=number("mean", reliability),
        reliability_low=number("low", reliability),
        reliability_high=number("high", reliability),
        repeats_needed=number("repeats_needed", reliability),
        spearman=number("spearman"),
        ceiling=number("ceiling"),
        placebo_helps=claims("placebo_helps"),
        placebo_hurts=claims("placebo_hurts"),
        primary=tuple(map(str, values.get("primary", ()))),
    )


def _recommendation(path: Path) -> Recommendation:
    values = read_json(path, "group")
    groups = _take(values, "groups", path, "group")
    if not isinstance(groups, list) or not groups or not all(isinstance(g, list) for g in groups):
        raise DataError(f"{path}: `groups` must be lists of tasks; run `cotrain group` again")
    members = tuple(tuple(str(task) for task in group) for group in groups)
    return Recommendation(
        groups=members,
        served_by=_served_by(_take(values, "served_by", path, "group"), members, path),
        predicted=_number(values, "predicted", path, "group"),
        bound=_number(values, "bound", path, "group"),
        is_optimal=bool(_take(values, "is_optimal", path, "group")),
        gap=_number(values, "gap", path, "group"),
        score=str(_take(values, "score", path, "group")),
        n_trials=int(_number(values, "n_trials", path, "group")),
        n_unknown_affinities=int(_number(values, "n_unknown_affinities", path, "group")),
    )


def _served_by(values: Any, groups: tuple[tuple[str, ...], ...], path: Path) -> Mapping[str, int]:
    """Each task's group, which must hold it."""
    tasks = {task for group in groups for task in group}
    places = values if isinstance(values, Mapping) else {}
    for task in sorted(tasks):
        place = places.get(task)
        if not (isinstance(place, int) and 0 <= place < len(groups) and task in groups[place]):
            raise DataError(
                f"{path}: `served_by` must give {task!r} the place of a group that holds it, "
                f"got {place!r}; run `cotrain group` again"
            )
    return places


def _take(values: Mapping[str, Any], name: str, path: Path, stage: str) -> Any:
    if name not in values:
        raise DataError(f"{path}: `{name}` is missing; run `cotrain {stage}` again")
    return values[name]


def _number(values: Mapping[str, Any], name: str, path: Path, stage: str) -> float:
    value = _take(values, name, path, stage)
    if value is None:
        return float("nan")
    if not isinstance(value, int | float):
        raise DataError(
            f"{path}: `{name}` must be a number, got {value!r}; run `cotrain {stage}` again"
        )
    return float(value)
