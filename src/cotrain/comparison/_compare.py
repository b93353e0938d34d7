"""The recommended grouping against the others, on scores of the same repeats."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cotrain.means import mean_known
from cotrain.reliability import CONFIDENCE, Interval, holm, paired_interval


def compare_groupings(
    scores: ArrayLike,
    names: Sequence[str],
    task_names: Sequence[str],
    *,
    without: ArrayLike | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Paired differences of the first grouping to each other: overall, and for each task.

    Positive: the first is better. Overall there is a row a rival, of the mean over tasks and
    repeats: grouping (the rival), difference, low, high, p_value, wins, loses (tasks). By task:
    grouping, task, difference, low, high, p_value, verdict (wins, loses, undecided, or unknown
    where there are fewer than two repeats). p-values have Holm's correction, over the rivals, and
    over all rivals and tasks.

    Parameters
    ----------
    scores : array, shape (n_repeats, n_groupings, n_tasks)
        Higher is better; NaN where unknown. Repeats are paired across groupings.
    names : sequence of str
        Of the groupings, the one to defend first.
    task_names : sequence of str
    without : array, shape (n_parts, n_groupings, n_tasks), or None
        Mean scores over repeats with one of several equal parts of the scored examples left out
        each, as `paired_interval` takes them: intervals then count examples too.

    Raises
    ------
    ValueError
        If the shapes do not agree or there is nothing to compare with.
    """
    values = np.asarray(scores, dtype=float)
    if values.ndim != 3 or values.shape[1:] != (len(names), len(task_names)):
        raise ValueError(
            f"scores must have shape (n_repeats, {len(names)}, {len(task_names)}), "
            f"got {values.shape}"
        )
    if len(names) < 2:
        raise ValueError(f"names must hold at least two groupings, got {list(names)}")
    differences = values[:, :1] - values[:, 1:]
    parts = None if without is None else np.asarray(without, dtype=float)
    if parts is not None:
        parts = parts[:, :1] - parts[:, 1:]

    # A task missing in one repeat is left out of all, or the mean would change its meaning.
    known = ~np.isnan(differences).any(axis=0)
    by_task = paired_interval(differences, without=parts)
    overall = paired_interval(
        mean_known(np.where(known, differences, np.nan), axis=2),
        without=None if parts is None else mean_known(np.where(known, parts, np.nan), axis=2),
    )
    p_tasks = holm(by_task.p_value)
    verdict = np.select(
        [np.isnan(p_tasks), p_tasks > 1 - CONFIDENCE, by_task.estimate > 0],
        ["unknown", "undecided", "wins"],
        default="loses",
    )
    rivals = list(names[1:])
    summary = pd.DataFrame(
        {
            "grouping": rivals,
            **_columns(overall, holm(overall.p_value)),
            "wins": (verdict == "wins").sum(axis=1),
            "loses": (verdict == "loses").sum(axis=1),
        }
    )
    tasks = pd.DataFrame(
        {
            "grouping": np.repeat(rivals, len(task_names)),
            "task": np.tile(list(task_names), len(rivals)),
            **_columns(by_task, p_tasks),
            "verdict": verdict.ravel(),
        }
    )
    return summary, tasks


def _columns(found: Interval, p_value: np.ndarray) -> dict[str, np.ndarray]:
    parts = {"difference": found.estimate, "low": found.low, "high": found.high, "p_value": p_value}
    return {name: part.ravel() for name, part in parts.items()}
