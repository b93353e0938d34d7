"""Tables of the recommended grouping against the others, on test labels."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cotrain.reliability import holm, paired_interval

# Test scores by grouping, the recommended one first: arrays (n_repeats, K), higher is better.
Scores = Mapping[str, np.ndarray]


def comparison_table(by_score: Mapping[str, Scores], n_models: Mapping[str, int]) -> pd.DataFrame:
    """Mean score over tasks of each grouping, and what the recommended one has over it.

    Intervals are over repeats, p-values corrected for the number of rivals (Holm). Tasks that some
    grouping has no score for are left out of all.
    """
    return pd.concat(
        [_compare(score, scores, n_models) for score, scores in by_score.items()],
        ignore_index=True,
    )


def _compare(score: str, scores: Scores, n_models: Mapping[str, int]) -> pd.DataFrame:
    recommended, *rivals = scores
    every = np.stack(list(scores.values()))
    scored = ~np.isnan(every).any(axis=(0, 1))
    means = every[:, :, scored].mean(axis=2)  # (n_groupings, n_repeats)
    found = paired_interval((means[0] - means[1:]).T)
    corrected = holm(found.p_value)
    # The recommended grouping has nothing over itself: no difference, no interval.
    unknown = [np.nan]
    return pd.DataFrame(
        {
            "grouping": [recommended, *rivals],
            "score": score,
            "n_models": [n_models[name] for name in scores],
            "mean": means.mean(axis=1),
            "difference": [*unknown, *found.estimate],
            "low": [*unknown, *found.low],
            "high": [*unknown, *found.high],
            "p_value": [*unknown, *corrected],
            "n_tasks": int(scored.sum()),
            "n_repeats": every.shape[1],
        }
    )


def task_table(by_score: Mapping[str, Scores], tasks: Sequence[str]) -> pd.DataFrame:
    """The same for each task by itself."""
    frames = []
    for score, scores in by_score.items():
        recommended = next(iter(scores.values()))
        for name, values in scores.items():
            found = paired_interval(recommended - values)
            frame = pd.DataFrame(
                {
                    "task": tasks,
                    "grouping": name,
                    "score": score,
                    "mean": values.mean(axis=0),
                    "difference": found.estimate,
                    "low": found.low,
                    "high": found.high,
                }
            )
            if values is recommended:
                frame[["difference", "low", "high"]] = np.nan
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)
