"""Tables of the recommended grouping against the others, on test labels."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cotrain.grouping import Comparison, compare_groupings

# Test scores by grouping, the recommended one first: arrays (n_repeats, K), higher is better.
Scores = Mapping[str, np.ndarray]


def comparison_tables(
    by_score: Mapping[str, Scores], n_models: Mapping[str, int], tasks: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the recommended grouping has over each other one: over all tasks, and task by task.

    Intervals are over repeats, Student's, as repeats are few; p-values are Holm's. A task that some
    grouping has no score for is left out of all.
    """
    overall, single = [], []
    for score, scores in by_score.items():
        values = np.stack(list(scores.values()), axis=1)
        scored = ~np.isnan(values).any(axis=(0, 1))
        names = [name for name, known in zip(tasks, scored, strict=True) if known]
        found = compare_groupings(values[:, :, scored], list(scores), names, method="t")
        means = pd.DataFrame(values[:, :, scored].mean(axis=0), index=list(scores), columns=names)
        overall.append(_overall(score, found, means, n_models, len(values)))
        single.append(_by_task(score, found, means))
    return pd.concat(overall, ignore_index=True), pd.concat(single, ignore_index=True)


def _overall(
    score: str,
    found: Comparison,
    means: pd.DataFrame,
    n_models: Mapping[str, int],
    n_repeats: int,
) -> pd.DataFrame:
    groupings = pd.DataFrame(
        {
            "grouping": means.index,
            "score": score,
            "n_models": [n_models[name] for name in means.index],
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
