"""The tables of a study, read and checked."""

from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from cotrain.tables import TABLES, Overview, Portfolio, Recommendation, read


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that the report tells, as the stages wrote it; scores have their natural sign.

    The columns of each DataFrame are listed in `cotrain.tables`; an unknown number is NaN.
    """

    overview: Overview
    recommendation: Recommendation
    portfolio: Portfolio
    summary: pd.DataFrame
    fold_counts: pd.DataFrame
    overlap: pd.DataFrame
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

    @classmethod
    def load(cls, prepared: Path, analysis: Path, grouping: Path, validation: Path) -> "Findings":
        """Return the findings of a study from the folders that its stages wrote.

        A DataError names a file, column or value that is not what it must be, and the stage to run.
        """
        stages = ("prepare", "analyze", "group", "validate")
        folders = dict(zip(stages, (prepared, analysis, grouping, validation), strict=True))
        shown = {field.name for field in fields(cls)} & set(TABLES)
        found = {name: read(folders[TABLES[name].stage], name) for name in sorted(shown)}
        return cls(
            overview=Overview.load(analysis),
            recommendation=Recommendation.load(grouping),
            portfolio=Portfolio.load(validation),
            task_comparison=read(validation, "tasks"),
            **found,
        )

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that were studied, in the order of the task table."""
        return tuple(dict.fromkeys(self.fold_counts["task"]))
