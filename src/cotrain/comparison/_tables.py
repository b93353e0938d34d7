"""Tables of the recommended portfolio against other ways to predict, on test labels."""

from collections.abc import Collection, Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cotrain.allocation import Fit
from cotrain.comparison._evaluate import Scored
from cotrain.comparison._models import Model, Way
from cotrain.comparison._outputs import Outputs
from cotrain.comparison._portfolio import Candidate, Choice
from cotrain.means import mean_known
from cotrain.reliability import CONFIDENCE, Interval, holm, paired_interval
from cotrain.scores import find_score
from cotrain.tasks import TaskTable
from cotrain.training import Learners

# One score by way, the recommended one first, with its natural sign.
Scores = Mapping[str, Scored]
COVERAGES = (0.8, 0.9, 0.95)
_INTERVALS = ["task", "coverage", "half_width", "n_examples", "test_coverage"]


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
    differences, parts = values[:, :1] - values[:, 1:], None
    if without is not None:
        left = np.asarray(without, dtype=float)
        parts = left[:, :1] - left[:, 1:]
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
    skill = {"skill": choice.skill, "p_value": choice.skill_p, "skilled": choice.skilled()}
    return pd.DataFrame({"task": list(tasks), **skill})


def weight_table(roles: Sequence[str], weights: np.ndarray, tasks: Sequence[str]) -> pd.DataFrame:
    """What each role counts for in each task's blend: task, role, weight of (K, n_roles)."""
    pairs = pd.DataFrame(product(tasks, roles), columns=["task", "role"])
    return pairs.assign(weight=weights.ravel())


def served_table(scores: Scores, tasks: Sequence[str]) -> pd.DataFrame:
    """What the recommended portfolio scored on test labels, one row a task and score.

    Columns task, score, mean, low, high, n_repeats; intervals as in `comparison_tables`.
    """
    frames = []
    for score, values in scores.items():
        found = paired_interval(values.values, without=values.without)
        interval = {"mean": found.estimate, "low": found.low, "high": found.high}
        about = {"task": list(tasks), "score": score}
        frames.append(pd.DataFrame({**about, **interval, "n_repeats": found.n}))
    return pd.concat(frames, ignore_index=True)


def way_costs(
    ways: Sequence[Way], fits: Mapping[Model, Sequence[Fit]], table: TaskTable, learners: Learners
) -> pd.DataFrame:
    """What ways cost, one row each; means where a name has several.

    n_models; of one repeat's training n_labels, the labels trained on, and seconds, as the
    learners' cost models have them for one core. What a clock says is no result: the same study
    gives the same figures anywhere. `fits` has each model's fits, one a repeat.
    """
    one = {
        model: (
            float(np.mean([table.label_counts[fit.allocation.matrix].sum() for fit in own])),
            float(learners.cost(table, own).mean()),
        )
        for model, own in fits.items()
    }
    rows = [
        (way.name, len(way.models), *(sum(one[model][at] for model in way.models) for at in (0, 1)))
        for way in ways
    ]
    costs = pd.DataFrame(rows, columns=["grouping", "n_models", "n_labels", "seconds"])
    return costs.groupby("grouping", sort=False).mean()


def interval_table(
    recommended: Candidate,
    repeats: Sequence[tuple[Outputs, Outputs]],
    tasks: Sequence[str],
    seed: int,
) -> pd.DataFrame:
    """Half-widths of intervals around the blend, a row a real-valued task and coverage.

    Columns task, coverage, half_width (in the labels' unit), n_examples, and test_coverage: the
    share of test labels that such an interval holds. Split conformal (Papadopoulos et al. 2002;
    Lei et al. 2018) on validation labels that each blend was not fitted to. Residuals of all
    repeats are pooled, and the correction for few of them counts examples, of which several
    repeats have the same; half_width is empty where there are too few examples for the coverage.
    `repeats` are of validation and test outputs, `seed` is what the portfolio was chosen with.
    """
    calibration = [validation for validation, _ in repeats]
    crossed = recommended.cross_fit(calibration, seed)
    blend = recommended.blend(calibration, seed)
    predicted = [recommended.predict(blend, test) for _, test in repeats]
    rows: list[tuple[object, ...]] = []
    for at in np.flatnonzero(~repeats[0][0].is_binary).tolist():
        residual, example = _residuals(calibration, crossed, at)
        tested, _ = _residuals([test for _, test in repeats], predicted, at)
        n_examples = np.unique(example).size
        for coverage in COVERAGES:
            half_width = _quantile(residual, n_examples, coverage)
            known = tested.size > 0 and not np.isnan(half_width)
            inside = (tested <= half_width).mean() if known else np.nan
            rows.append((tasks[at], coverage, half_width, n_examples, inside))
    return pd.DataFrame(rows, columns=_INTERVALS)


def _residuals(
    parts: Sequence[Outputs], outputs: Sequence[np.ndarray], task: int
) -> tuple[np.ndarray, np.ndarray]:
    """Absolute residuals of one task over all repeats, and whose they are."""
    pairs = list(zip(parts, outputs, strict=True))
    residual = [np.abs(part.truth - output)[part.task == task] for part, output in pairs]
    example = [part.example[part.task == task] for part, _ in pairs]
    return np.concatenate(residual), np.concatenate(example)


def _quantile(residual: np.ndarray, n_examples: int, coverage: float) -> float:
    """The residual that a new one stays below with probability `coverage`; NaN if unknown."""
    level = np.ceil((n_examples + 1) * coverage) / max(n_examples, 1)
    if n_examples == 0 or level > 1:
        return np.nan
    return float(np.quantile(residual, level, method="inverted_cdf"))
