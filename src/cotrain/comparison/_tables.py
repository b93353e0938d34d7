"""Tables of the recommended portfolio against other ways to predict, on test labels."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from cotrain.comparison._compare import compare_groupings
from cotrain.comparison._evaluate import Scored
from cotrain.comparison._portfolio import Choice
from cotrain.reliability import paired_interval
from cotrain.scores import find_score

# One score by way, the recommended one first, with its natural sign.
Scores = Mapping[str, Scored]


def comparison_tables(
    by_score: Mapping[tuple[str, bool], Scores],
    costs: pd.DataFrame,
    tasks: Sequence[str],
    primary: Collection[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the recommended way has over each other one: over all tasks, and task by task.

    `mean` has the score's own sign, `difference` is positive where the recommended one is better.
    Intervals count repeats, whose seeds and folds differ, and the examples that are scored
    (`paired_interval`). p-values are Holm's. A task that some way has no score for is left out of
    all. `costs` has a row a way, and becomes columns of the first table; scores are told apart
    by their name and whether they are recalibrated. If tasks are `primary`, the first table's means
    are over them alone.
    """
    overall, single = [], []
    for (score, recalibrated), scores in by_score.items():
        means = pd.DataFrame(
            np.stack([one.values.mean(axis=0) for one in scores.values()]),
            index=list(scores),
            columns=list(tasks),
        )
        means = means.loc[:, means.notna().all()]
        if means.empty:
            continue
        about = {"score": score, "calibration": "recalibrated" if recalibrated else "raw"}
        names: list[str] = means.columns.tolist()
        rivals, rivals_by_task = _compared(score, scores, tasks, names)
        # A task may be called `grouping` or `mean`: names are values, never columns.
        every = pd.DataFrame(
            {
                "grouping": np.tile(means.index.to_numpy(), means.shape[1]),
                "task": np.repeat(means.columns.to_numpy(), len(means)),
                "mean": means.to_numpy().T.ravel(),
                **about,
            }
        )
        single.append(every.merge(rivals_by_task, on=["grouping", "task"], how="left"))
        if wanted := [name for name in names if name in primary]:
            means, rivals = means[wanted], _compared(score, scores, tasks, wanted)[0]
        ways = pd.DataFrame(
            {
                "grouping": means.index,
                **about,
                **costs.loc[means.index].reset_index(drop=True),
                "mean": means.mean(axis=1).to_numpy(),
                "n_tasks": means.shape[1],
                "n_repeats": len(next(iter(scores.values())).values),
            }
        )
        # The recommended way has nothing over itself: its differences stay empty.
        overall.append(ways.merge(rivals, on="grouping", how="left"))
    return pd.concat(overall, ignore_index=True), pd.concat(single, ignore_index=True)


def _compared(
    score: str, scores: Scores, tasks: Sequence[str], among: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The recommended way against each other one, over some of the tasks."""
    sign, chosen = find_score(score).sign, np.isin(tasks, among)
    values, without = (
        sign * np.stack([getattr(one, part)[:, chosen] for one in scores.values()], axis=1)
        for part in ("values", "without")
    )
    return compare_groupings(values, list(scores), among, without=without)


def candidate_table(choice: Choice) -> pd.DataFrame:
    """The portfolios that could have been recommended, from the simplest on, one row each."""
    known = np.isfinite(choice.d2).all(axis=(0, 1))
    means = choice.d2[:, :, known].mean(axis=(0, 2)) if known.any() else np.nan
    return pd.DataFrame(
        {
            "portfolio": [one.name for one in choice.candidates],
            "n_models": [len(one.models) for one in choice.candidates],
            "d2": means,
            "behind": choice.deficit,
            "standard_error": choice.error,
            "chosen": np.arange(len(choice.candidates)) == choice.chosen,
        }
    )


def skill_table(choice: Choice, tasks: Sequence[str]) -> pd.DataFrame:
    """Which tasks the best portfolio predicts better than their base rate, one row each."""
    return pd.DataFrame(
        {
            "task": list(tasks),
            "skill": choice.skill,
            "p_value": choice.skill_p,
            "skilled": choice.skilled(),
        }
    )


def weight_table(roles: Sequence[str], weights: np.ndarray, tasks: Sequence[str]) -> pd.DataFrame:
    """What each role counts for in each task's blend: task, role, weight.

    Parameters
    ----------
    weights : array, (K, n_roles)
    """
    return pd.DataFrame(
        [
            {"task": task, "role": role, "weight": weights[at, column]}
            for at, task in enumerate(tasks)
            for column, role in enumerate(roles)
        ],
        columns=["task", "role", "weight"],
    )


def served_table(scores: Scores, tasks: Sequence[str]) -> pd.DataFrame:
    """What the recommended portfolio scored on test labels, one row a task and score.

    Columns task, score, mean, low, high, n_repeats; intervals as in `comparison_tables`.
    """
    frames = []
    for score, values in scores.items():
        interval = paired_interval(values.values, without=values.without)
        frames.append(
            pd.DataFrame(
                {
                    "task": list(tasks),
                    "score": score,
                    "mean": interval.estimate,
                    "low": interval.low,
                    "high": interval.high,
                    "n_repeats": interval.n,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
