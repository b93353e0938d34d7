"""The recommended grouping and its rivals, trained with fresh seeds, compared on test labels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cotrain.allocation import Fit, Plan, Rotation, encode_tasks, subset_fit
from cotrain.exceptions import DataError, SettingsError
from cotrain.files import write_csv
from cotrain.grouping import Grouping, single_tasks, together
from cotrain.observations import LOSSES
from cotrain.stages._comparison_tables import comparison_tables
from cotrain.stages._context import analysed_scores
from cotrain.stages._repeats import study_repeats
from cotrain.stages._sweep import Workbench
from cotrain.study import Study
from cotrain.training import save_fit_table

Rivals = Mapping[str, Sequence[Grouping]]


def run(study: Study) -> str:
    bench = Workbench.of(study)
    tasks = bench.table.tasks
    rivals = _rivals(study, tasks)
    repeats = _fresh_repeats(study)
    fits = _fits(rivals, repeats, len(tasks), study.settings.plan.subset_level)
    model = study.settings.model.identity()
    plan = Plan.of("validation", fits, bench.data_version, model)
    rows = bench.train(plan)
    scores = {
        score: _grouping_scores(rows, rivals, tasks, score, len(repeats))
        for score in analysed_scores(study)
    }
    n_models = {name: len(groupings[0]) for name, groupings in rivals.items()}
    overall, by_task = comparison_tables(scores, n_models, tasks)
    write_csv(study.validation / "comparison.csv", overall)
    write_csv(study.validation / "tasks.csv", by_task)
    save_fit_table(study.fits("validation"), rows)
    return f"validation: {len(plan)} fits, {len(rivals)} groupings, {len(repeats)} repeats"


def _rivals(study: Study, tasks: Sequence[str]) -> dict[str, list[Grouping]]:
    """The recommended grouping first, then what it is compared with."""
    path = study.grouping / "grouping.json"
    place = {name: index for index, name in enumerate(tasks)}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        named = {"recommended": [found["groups"]], **found["rivals"]}
        rivals = {
            name: [
                tuple(tuple(sorted(place[task] for task in group)) for group in grouping)
                for grouping in groupings
            ]
            for name, groupings in named.items()
        }
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: cannot be read ({error}); run `cotrain group` first") from error
    n_tasks = len(tasks)
    baselines = {"single-task": [single_tasks(n_tasks)], "all together": [together(n_tasks)]}
    return {"recommended": rivals.pop("recommended"), **baselines, **rivals}


def _fresh_repeats(study: Study) -> list[Rotation]:
    """Repeats with seeds that no fit which chose the grouping was trained with."""
    settings = study.settings
    plan, fresh = settings.plan, settings.validate_
    used = max(plan.subsets.repeats, plan.augmentations.repeats)
    if plan.seed - fresh.repeats < fresh.seed < plan.seed + used:
        raise SettingsError(
            f"{study.folder / 'params.yaml'}: `validate.seed` must leave the seeds of the plan, "
            f"{plan.seed} .. {plan.seed + used - 1}, alone, got {fresh.seed}; raise it"
        )
    return study_repeats(settings, fresh.repeats, fresh.seed)


def _fits(rivals: Rivals, repeats: Sequence[Rotation], n_tasks: int, level: int) -> list[Fit]:
    groups = {group: None for groupings in rivals.values() for one in groupings for group in one}
    return [
        subset_fit(n_tasks, group, level, rotation, _kind(len(group), n_tasks))
        for rotation in repeats
        for group in groups
    ]


def _kind(size: int, n_tasks: int) -> Literal["single", "together", "group"]:
    if size == 1:
        return "single"
    return "together" if size == n_tasks else "group"


def _grouping_scores(
    rows: pd.DataFrame, rivals: Rivals, tasks: Sequence[str], score: str, n_repeats: int
) -> dict[str, np.ndarray]:
    """Test scores of each task by grouping, (n_repeats, K), higher is better.

    A task is served by the group whose validation score, averaged over repeats, is best. Several
    groupings of one name are averaged.
    """
    groups = sorted({group for found in rivals.values() for one in found for group in one})
    place = {group: index for index, group in enumerate(groups)}
    scores = _GroupScores.of(rows, groups, tasks, score, n_repeats)
    return {
        name: np.mean(
            [scores.serve(np.array([place[group] for group in one])) for one in groupings], axis=0
        )
        for name, groupings in rivals.items()
    }


@dataclass(frozen=True, eq=False)
class _GroupScores:
    """Scores of every group, (n_repeats, n_groups, K), higher is better, NaN outside the group."""

    validation: np.ndarray
    test: np.ndarray

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        groups: Sequence[tuple[int, ...]],
        tasks: Sequence[str],
        score: str,
        n_repeats: int,
    ) -> "_GroupScores":
        group_of = {encode_tasks(group): index for index, group in enumerate(groups)}
        task_of = {name: index for index, name in enumerate(tasks)}
        at = (
            rows["repeat"].to_numpy(),
            rows["members"].map(group_of).to_numpy(),
            rows["task"].map(task_of).to_numpy(),
        )
        sign = -1.0 if score in LOSSES else 1.0
        filled = []
        for part in ("val", "test"):
            values = np.full((n_repeats, len(groups), len(tasks)), np.nan)
            values[at] = sign * rows[f"{part}_{score}"].to_numpy()
            filled.append(values)
        return cls(*filled)

    def serve(self, groups: np.ndarray) -> np.ndarray:
        """Test scores (n_repeats, K) of the grouping made of `groups`, positions of groups."""
        validation = self.validation[:, groups].mean(axis=0)
        best = np.where(np.isnan(validation), -np.inf, validation).argmax(axis=0)
        return self.test[:, groups[best], np.arange(self.test.shape[2])]
