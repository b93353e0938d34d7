"""What groups of tasks scored, and which of them serves each task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cotrain.allocation import encode_tasks
from cotrain.grouping import Group, Grouping
from cotrain.scores import find_score


@dataclass(frozen=True, eq=False)
class GroupScores:
    """Scores of every group, (n_repeats, n_groups, K), higher is better, NaN outside the group."""

    groups: Mapping[Group, int]
    validation: np.ndarray
    test: np.ndarray

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        rivals: Mapping[str, Sequence[Grouping]],
        tasks: Sequence[str],
        score: str,
        n_repeats: int,
    ) -> "GroupScores":
        """The scores of all groups of `rivals`, from rows of the fit table."""
        distinct = sorted({group for found in rivals.values() for one in found for group in one})
        groups = {group: index for index, group in enumerate(distinct)}
        group_of = {encode_tasks(group): index for group, index in groups.items()}
        task_of = {name: index for index, name in enumerate(tasks)}
        at = (
            rows["repeat"].to_numpy(),
            rows["members"].map(group_of).to_numpy(),
            rows["task"].map(task_of).to_numpy(),
        )
        sign = find_score(score).sign
        filled = []
        for part in ("val", "test"):
            values = np.full((n_repeats, len(groups), len(tasks)), np.nan)
            values[at] = sign * rows[f"{part}_{score}"].to_numpy()
            filled.append(values)
        return cls(groups, *filled)

    def serving(self, grouping: Grouping) -> np.ndarray:
        """For each task, the place in `grouping` of the group that serves it, (K,).

        The one whose validation score, averaged over repeats, is best.
        """
        places = [self.groups[group] for group in grouping]
        validation = self.validation[:, places].mean(axis=0)
        holds = np.array([np.isin(np.arange(validation.shape[1]), group) for group in grouping])
        # A group whose score is unknown serves only tasks that no other group holds.
        known = np.where(np.isnan(validation), np.finfo(float).min, validation)
        return np.where(holds, known, -np.inf).argmax(axis=0)

    def served(self, grouping: Grouping, chooser: "GroupScores") -> np.ndarray:
        """Test scores (n_repeats, K) of `grouping`, each task served as `chooser` says."""
        places = np.array([self.groups[group] for group in grouping])
        serving = places[chooser.serving(grouping)]
        return self.test[:, serving, np.arange(self.test.shape[2])]

    def test_scores(
        self, rivals: Mapping[str, Sequence[Grouping]], chooser: "GroupScores"
    ) -> dict[str, np.ndarray]:
        """Test scores (n_repeats, K) by grouping; several groupings of one name are averaged."""
        return {
            name: np.mean([self.served(one, chooser) for one in groupings], axis=0)
            for name, groupings in rivals.items()
        }
