"""Tables of the recommended grouping against the others, on test labels."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from cotrain.grouping import Comparison, Grouping, compare_groupings
from cotrain.reliability import paired_interval
from cotrain.scores import find_score
from cotrain.stages._group_scores import GroupScores

# Test scores by grouping, the recommended one first: arrays (n_repeats, K), higher is better.
Scores = Mapping[str, np.ndarray]


def comparison_tables(
    by_score: Mapping[str, Scores], costs: pd.DataFrame, tasks: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the recommended grouping has over each other one: over all tasks, and task by task.

    Intervals are over repeats: Student's below ten of them, where a bootstrap claims too much, the
    bootstrap's from then on. p-values are Holm's. A task that some grouping has no score for is
    left out of all. `costs` has a row a grouping, and becomes columns of the first table.
    """
    overall, single = [], []
    for score, scores in by_score.items():
        values = np.stack(list(scores.values()), axis=1)
        scored = ~np.isnan(values).any(axis=(0, 1))
        names = [name for name, known in zip(tasks, scored, strict=True) if known]
        method: Literal["t", "bootstrap"] = "t" if len(values) < 10 else "bootstrap"
        found = compare_groupings(values[:, :, scored], list(scores), names, method=method)
        means = pd.DataFrame(values[:, :, scored].mean(axis=0), index=list(scores), columns=names)
        overall.append(_overall(score, found, means, costs, len(values)))
        single.append(_by_task(score, found, means))
    return pd.concat(overall, ignore_index=True), pd.concat(single, ignore_index=True)


def _overall(
    score: str,
    found: Comparison,
    means: pd.DataFrame,
    costs: pd.DataFrame,
    n_repeats: int,
) -> pd.DataFrame:
    groupings = pd.DataFrame(
        {
            "grouping": means.index,
            "score": score,
            **costs.loc[means.index].reset_index(drop=True),
            "mean": means.mean(axis=1).to_numpy(),
            "n_tasks": means.shape[1],
            "n_repeats": n_repeats,
        }
    )
    rivals = found.overall.drop(columns=["p_value", "n_repeats"]).rename(
        columns={"rival": "grouping", "p_holm": "p_value"}
    )
    # The recommended grouping has nothing over itself: its differences stay empty.
    return groupings.merge(rivals, on="grouping", how="left")


def _by_task(score: str, found: Comparison, means: pd.DataFrame) -> pd.DataFrame:
    every = means.rename_axis("grouping").reset_index()
    every = every.melt("grouping", var_name="task", value_name="mean").assign(score=score)
    rivals = found.tasks.drop(columns="p_value").rename(
        columns={"rival": "grouping", "p_holm": "p_value"}
    )
    return every.merge(rivals, on=["grouping", "task"], how="left")


def served_table(
    scored: Mapping[str, GroupScores],
    chooser: GroupScores,
    grouping: Grouping,
    tasks: Sequence[str],
) -> pd.DataFrame:
    """Which group of `grouping` serves each task, and what that scored on test labels.

    One row a task and score: task, group (its place), score, mean, low, high, n_repeats. Scores
    are as they are, a loss included; intervals are Student's over repeats.
    """
    frames = []
    for score, found in scored.items():
        sign = find_score(score).sign
        interval = paired_interval(sign * found.served(grouping, chooser))
        frames.append(
            pd.DataFrame(
                {
                    "task": list(tasks),
                    "group": chooser.serving(grouping),
                    "score": score,
                    "mean": interval.estimate,
                    "low": interval.low,
                    "high": interval.high,
                    "n_repeats": interval.n,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
