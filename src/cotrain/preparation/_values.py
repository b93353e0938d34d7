"""Measured values: checked, transformed, merged and labelled."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.settings import LabelSettings, TaskLabels


@dataclass(frozen=True, eq=False)
class Labelled:
    """One label for each (example, task), and where the values did not agree."""

    # Columns example, task, label: 0 or 1, or the value of a real-valued task.
    labels: pd.DataFrame
    # Real-valued pairs that have bounds alone: their highest ">" and lowest "<", as `side`.
    bounds: pd.DataFrame
    # The table `conflicts`; no label where as many values say 0 as say 1.
    conflicts: pd.DataFrame
    tasks: pd.DataFrame  # a row a task, see `_account`
    n_pairs: int  # before those without a decided label are left out


def check_values(table: pd.DataFrame, settings: LabelSettings) -> None:
    """Raise unless the settings can label every value of `table` (file, row, task, value)."""
    tasks = table["task"].unique()
    if unknown := sorted(set(settings.tasks) - set(tasks)):
        raise DataError(
            f"`prepare.labels.tasks` names `{unknown[0]}`, which is no task; the tasks are "
            f"{', '.join(tasks[:8])}{' ...' if len(tasks) > 8 else ''}"
        )
    for task, part in table.groupby("task", sort=False):
        chosen = settings.of(str(task))
        if chosen.kind == "binary":
            wrong = ~part["value"].isin((0, 1))
            rule = (
                "is neither 0 nor 1; correct it, or set `prepare.labels.kind` to threshold or real"
            )
        elif chosen.transform != "none":
            wrong = part["value"] <= (-1 if chosen.transform == "log10_plus_one" else 0)
            rule = "has no logarithm; correct it, or set `prepare.labels.transform` to none"
        else:
            continue
        if wrong.any():
            at = part[wrong].iloc[0]
            raise DataError(f"{at.file}, row {at.row}, task `{at.task}`: {at.value:g} {rule}")


def label_values(table: pd.DataFrame, settings: LabelSettings) -> Labelled:
    """Return one label for each (example, task) of `table` (example, task, value, relation).

    Measured values are transformed, then merged by `settings.repeats`, then held against the
    threshold. A pair that has bounds alone gets the class that they decide, or stays without a
    label; of a real-valued task its bounds are kept apart.
    """
    parts = [
        _label_task(str(task), part, settings.of(str(task)), settings.repeats)
        for task, part in table.groupby("task", sort=False)
    ]
    labels, bounds, conflicts, tasks, n_pairs = zip(*parts, strict=True)
    return Labelled(
        pd.concat(labels, ignore_index=True),
        pd.concat(bounds, ignore_index=True),
        pd.concat(conflicts).sort_values(["task", "example"], ignore_index=True),
        pd.DataFrame(list(tasks)),
        sum(n_pairs),
    )


def _label_task(
    task: str, table: pd.DataFrame, settings: TaskLabels, repeats: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, object], int]:
    value, relation = _transformed(table, settings)
    row, examples = pd.factorize(table["example"])
    if len(examples) == len(table) and not (relation != "").any():
        return _measured_once(task, value, np.asarray(examples), settings)
    frame = pd.DataFrame({"row": row, "value": value, "relation": relation})
    measured = frame[frame["relation"] == ""]
    merged = pd.Series(np.nan, index=range(len(examples)))
    found = _merge(measured.groupby("row")["value"], settings, repeats)
    merged[found.index] = found
    class_of_each = _class(frame["value"], frame["relation"], settings)
    if settings.kind == "real":
        label = merged
    else:
        label = _class(merged, pd.Series("", index=merged.index), settings)
        # What was measured decides; bounds speak where nothing was.
        votes = class_of_each.groupby(frame["row"]).mean()
        by_bounds = votes.where(votes != 0.5).round()
        label = label.where(label.notna() | merged.notna(), by_bounds)
    bounds = _bounds(frame, merged.index[merged.isna()]) if settings.kind == "real" else None
    by_row = class_of_each.groupby(frame["row"])
    disagree = by_row.min() != by_row.max()
    disagree &= by_row.min().notna() & (settings.kind != "real")
    spread = frame.groupby("row")["value"].agg(
        n_values="size", lowest="min", median="median", highest="max"
    )
    spread = spread.assign(label=label)[disagree.to_numpy()]
    spread.insert(0, "example", np.asarray(examples)[spread.index])
    spread.insert(1, "task", task)
    known = label.dropna()
    labels = pd.DataFrame(
        {"example": np.asarray(examples)[known.index], "task": task, "label": known.to_numpy()}
    )
    if bounds is None:
        bounds = pd.DataFrame({"row": [], "side": [], "label": []})
    bounds = bounds.assign(example=np.asarray(examples)[bounds.pop("row").to_numpy(dtype=int)])
    bounds.insert(0, "task", task)
    account = _account(task, settings, frame, class_of_each, known, len(spread))
    return labels, bounds, spread, account, len(examples)


def _measured_once(
    task: str, value: np.ndarray, examples: np.ndarray, settings: TaskLabels
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, object], int]:
    """As `_label_task`, where each example has one measured value: of hundreds of tasks most."""
    measured = pd.Series(value)
    known = _class(measured, pd.Series("", index=measured.index), settings).dropna()
    labels = pd.DataFrame(
        {"example": examples[known.index], "task": task, "label": known.to_numpy()}
    )
    bounds = labels.iloc[:0].assign(side="")[["task", "side", "label", "example"]]
    numbers = dict.fromkeys(("lowest", "median", "highest", "label"), labels["label"])
    spread = labels[["example", "task"]].assign(n_values=1, **numbers).iloc[:0]
    account: dict[str, object] = {
        "task": task,
        "kind": "real" if settings.kind == "real" else "binary",
        "transform": settings.transform,
        "n_values": len(value),
        "n_bounds": 0,
        "n_undecided": 0,
        "n_labels": len(labels),
        "n_repeated": 0,
        "n_conflicts": 0,
        "noise": None,
    }
    return labels, bounds, spread, account, len(examples)


def _transformed(table: pd.DataFrame, settings: TaskLabels) -> tuple[np.ndarray, np.ndarray]:
    """Values on the scale of the labels, and their relations, which a negative sign turns."""
    value = table["value"].to_numpy(dtype=np.float64)
    relation = table["relation"].to_numpy(dtype=object)
    if settings.transform == "log10":
        return np.log10(value), relation
    if settings.transform == "log10_plus_one":
        return np.log10(value + 1), relation
    if settings.transform == "neg_log10":
        turned = np.where(relation == "<", ">", np.where(relation == ">", "<", ""))
        return -np.log10(value), turned
    return value, relation


def _merge(grouped: "pd.api.typing.SeriesGroupBy", settings: TaskLabels, repeats: str) -> pd.Series:
    """One value for each example that was measured."""
    if repeats == "most_severe":
        lowest = settings.kind != "binary" and settings.active == "at_most"
        if settings.transform == "neg_log10":
            lowest = not lowest
        return grouped.min() if lowest else grouped.max()
    found: pd.Series = grouped.agg(repeats)
    return found


def _class(value: pd.Series, relation: pd.Series, settings: TaskLabels) -> pd.Series:
    """The class that each value decides: 0, 1, or NaN; real values as they are."""
    if settings.kind == "real":
        return value
    if settings.kind == "binary":
        # As many measurements say 0 as say 1 at a half.
        decided = (value > 0.5).astype(float).where(value != 0.5)
        return decided.where((relation == "") & value.notna())
    threshold = settings.threshold
    low, high = (1.0, 0.0) if settings.active == "at_most" else (0.0, 1.0)
    is_low = value <= threshold if settings.active == "at_most" else value < threshold
    decided = is_low.map({True: low, False: high})
    # A bound decides where all that it leaves open lies on one side.
    decided = decided.where((relation != "<") | (value <= threshold))
    decided = decided.where((relation != ">") | (value >= threshold))
    decided = decided.mask((relation == "<") & (value <= threshold), low)
    decided = decided.mask((relation == ">") & (value >= threshold), high)
    return decided.where(value.notna())


def _bounds(frame: pd.DataFrame, unmeasured: pd.Index) -> pd.DataFrame:
    """The tightest bounds of each example that has nothing else."""
    part = frame[frame["row"].isin(unmeasured)]
    above = part[part["relation"] == ">"].groupby("row")["value"].max()
    below = part[part["relation"] == "<"].groupby("row")["value"].min()
    sides = [
        found.reset_index(name="label").assign(side=side)
        for side, found in ((">", above), ("<", below))
    ]
    return pd.concat(sides, ignore_index=True)


def _account(
    task: str,
    settings: TaskLabels,
    frame: pd.DataFrame,
    class_of_each: pd.Series,
    labels: pd.Series,
    n_conflicts: int,
) -> dict[str, object]:
    """What became of a task's values.

    `noise` is how far repeats differ: for real values the variance within examples over that of
    the labels, so that no model can be expected to reach an R² above 1 - noise; for classes the
    share of repeated examples that disagree.
    """
    is_bound = frame["relation"] != ""
    undecided = is_bound if settings.kind == "real" else is_bound & class_of_each.isna()
    measured = frame[~is_bound].groupby("row")["value"]
    sizes = measured.size()
    n_repeated = int((frame.groupby("row").size() > 1).sum())
    noise: float | None = None
    if n_repeated and settings.kind != "real":
        noise = n_conflicts / n_repeated
    elif (sizes > 1).any():
        within = (measured.var(ddof=0) * sizes)[sizes > 1].sum() / (sizes[sizes > 1] - 1).sum()
        total = float(labels.var())
        noise = float(within / total) if total > 0 else None
    return {
        "task": task,
        "kind": "real" if settings.kind == "real" else "binary",
        "transform": settings.transform,
        "n_values": len(frame),
        "n_bounds": int(is_bound.sum()),
        "n_undecided": int(undecided.sum()),
        "n_labels": len(labels),
        "n_repeated": n_repeated,
        "n_conflicts": n_conflicts,
        "noise": noise,
    }
