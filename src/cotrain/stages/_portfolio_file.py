"""The portfolio that `cotrain validate` recommends, and what it measured, as export reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cotrain import tables
from cotrain.comparison import Candidate, Model
from cotrain.exceptions import DataError
from cotrain.study import Study


@dataclass(frozen=True, eq=False)
class PortfolioFile:
    """The recommended portfolio and the tables of `data/validation/` that go with it."""

    portfolio: Candidate
    weights: dict[tuple[str, str], float]  # by task and role
    scores: pd.DataFrame  # the table `served`
    skill: pd.DataFrame  # by task
    intervals: pd.DataFrame

    @classmethod
    def load(cls, study: Study, tasks: Sequence[str], data_version: str) -> "PortfolioFile":
        """Read what `cotrain validate` wrote."""
        folder = study.validation
        found = tables.Portfolio.of_table(folder, tasks, data_version)
        portfolio = Candidate(
            found.name,
            tuple(
                Model(one.learner, tuple(sorted(map(tasks.index, one.members))), one.draw)
                for one in found.models
            ),
        )
        weights, scores, skill, intervals = (
            tables.read(folder, name) for name in ("weights", "served", "skill", "intervals")
        )
        wanted = sorted((task, role) for task in tasks for role in portfolio.roles)
        pairs = list(zip(weights["task"], weights["role"], strict=True))
        for name, fits, what in (
            (
                "weights",
                sorted(pairs) == wanted and (weights["weight"] >= 0).all(),
                "its weights are not those of the portfolio",
            ),
            ("served", set(scores["task"]) == set(tasks), _OTHERS),
            ("skill", sorted(skill["task"]) == sorted(tasks), _OTHERS),
            ("intervals", set(intervals["task"]) <= set(tasks), _OTHERS),
        ):
            if not fits:
                raise DataError(
                    f"{folder / name}.csv: cannot be read ({what}); run `cotrain validate`"
                )
        by_pair = dict(zip(pairs, weights["weight"], strict=True))
        return cls(portfolio, by_pair, scores, skill.set_index("task"), intervals)


_OTHERS = "its tasks are not those of the task table"
