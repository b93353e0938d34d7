"""The recommended grouping against the others, on scores of the same repeats."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cotrain.reliability import CONFIDENCE, holm, paired_interval


@dataclass(frozen=True)
class Comparison:
    """Differences of the first grouping to each other one; positive: the first is better."""

    # one row a rival: rival, difference (mean over tasks and repeats), low, high, p_value, p_holm,
    # n_repeats, and tasks the first wins and loses
    overall: pd.DataFrame
    # one row a rival and task: rival, task, difference, low, high, p_value, p_holm, verdict (wins,
    # loses, undecided, or unknown where there are fewer than two repeats)
    tasks: pd.DataFrame


def compare_groupings(
    scores: ArrayLike,
    names: Sequence[str],
    task_names: Sequence[str],
    *,
    without: ArrayLike | None = None,
) -> Comparison:
    """Return paired differences of the first grouping to each other, overall and for each task.

    Holm's correction runs over the rivals in `overall`, and over all rivals and tasks in `tasks`.

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

    known = ~np.isnan(differences).any(axis=0)
    by_task = paired_interval(differences, without=parts)
    overall = paired_interval(
        _mean_known(differences, known),
        without=None if parts is None else _mean_known(parts, known),
    )
    p_tasks = holm(by_task.p_value)
    verdict = np.select(
        [np.isnan(p_tasks), p_tasks > 1 - CONFIDENCE, by_task.estimate > 0],
        ["unknown", "undecided", "wins"],
        default="loses",
    )
    rivals = list(names[1:])
    tasks = pd.DataFrame(
        {
            "rival": np.repeat(rivals, len(task_names)),
            "task": np.tile(list(task_names), len(rivals)),
            "difference": by_task.estimate.ravel(),
            "low": by_task.low.ravel(),
            "high": by_task.high.ravel(),
            "p_value": by_task.p_value.ravel(),
            "p_holm": p_tasks.ravel(),
            "verdict": verdict.ravel(),
        }
    )
    summary = pd.DataFrame(
        {
            "rival": rivals,
            "difference": overall.estimate,
            "low": overall.low,
            "high": overall.high,
            "p_value": overall.p_value,
            "p_holm": holm(overall.p_value),
            "n_repeats": overall.n,
            "wins": (verdict == "wins").sum(axis=1),
            "loses": (verdict == "loses").sum(axis=1),
        }
    )
    return Comparison(summary, tasks)


def _mean_known(differences: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the mean over `known` tasks (n_rivals, n_tasks), shape (len(differences), n_rivals).

    A task missing in one repeat is left out of all, or the mean would change its meaning.
    """
    count = known.sum(axis=1)
    total = np.where(known, differences, 0.0).sum(axis=2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
