"""Measured values: checked, transformed, merged and labelled."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.settings import LabelSettings, TaskLabels
from cotrain.words import listing


@dataclass(frozen=True, eq=False)
class Labelled:
    """One label for each (example, task), and where the values did not agree."""

    # Columns example, task, label: 0 or 1, or the value of a real-valued task.
    labels: pd.DataFrame
    # Real-valued pairs that have bounds alone: their highest ">" and lowest "<", as `side`.
    bounds: pd.DataFrame
    # The table `conflicts`; no label where as many values say 0 as say 1.
    conflicts: pd.DataFrame
    # A row a task: what became of its values, and `noise`, how far repeats differ: of classes the
    # share of repeated examples that disagree, of real values see `_noise`.
    tasks: pd.DataFrame
    n_pairs: int  # before those without a decided label are left out


def check_values(table: pd.DataFrame, settings: LabelSettings) -> None:
    """Raise unless the settings can label every value of `table` (file, row, task, value)."""
    tasks = table["task"].unique()
    if unknown := sorted(set(settings.tasks) - set(tasks)):
        raise DataError(
            f"`prepare.labels.tasks` names `{unknown[0]}`, which is no task; the tasks are "
            f"{listing(list(tasks), 8)}"
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
    tasks = table["task"].unique()
    alike: dict[TaskLabels, list[str]] = {}
    for task in tasks:
        alike.setdefault(settings.of(str(task)), []).append(task)
    parts = [
        _label_alike(table[table["task"].isin(names)], chosen, settings.repeats)
        for chosen, names in alike.items()
    ]
    labels, bounds, conflicts, accounts, n_pairs = zip(*parts, strict=True)
    return Labelled(
        pd.concat(labels, ignore_index=True),
        pd.concat(bounds, ignore_index=True),
        pd.concat(conflicts).sort_values(["task", "example"], ignore_index=True),
        pd.concat(accounts).loc[tasks].reset_index(),
        sum(n_pairs),
    )


def _label_alike(
    table: pd.DataFrame, settings: TaskLabels, repeats: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, int]:
    """Of tasks that have the same settings."""
    value, relation = _transformed(table, settings)
    pairs = table[["example", "task"]].drop_duplicates(ignore_index=True)
    row = table.groupby(["example", "task"], sort=False).ngroup().to_numpy()
    frame = pd.DataFrame({"row": row, "value": value, "relation": relation})
    measured = frame[frame["relation"] == ""]
    merged = _merge(measured.groupby("row")["value"], settings, repeats).reindex(pairs.index)
    class_of_each = _class(frame["value"], frame["relation"], settings)
    by_row = class_of_each.groupby(frame["row"])
    bounds = pd.DataFrame({"row": [], "side": [], "label": []})
    if settings.kind == "real":
        label = merged
        bounds = _bounds(frame, merged.index[merged.isna()])
        disagree = pd.Series(False, index=pairs.index)
    else:
        label = _class(merged, pd.Series("", index=merged.index), settings)
        # What was measured decides; bounds speak where nothing was.
        votes = by_row.mean()
        label = label.where(label.notna() | merged.notna(), votes.where(votes != 0.5).round())
        disagree = by_row.min() < by_row.max()
    spread = frame.groupby("row")["value"].agg(
        n_values="size", lowest="min", median="median", highest="max"
    )
    found = pairs.join(spread).assign(label=label)
    account = _account(table["task"].to_numpy(), settings, frame, class_of_each, found, disagree)
    if settings.kind == "real":
        account["noise"] = _noise(measured, merged, pairs["task"]).reindex(account.index)
    named = pairs.loc[bounds.pop("row").astype(int)].reset_index(drop=True)
    labels = found[["example", "task", "label"]].dropna(subset="label")
    return labels, named.join(bounds), found[disagree], account, len(pairs)


def _account(
    task: np.ndarray,
    settings: TaskLabels,
    frame: pd.DataFrame,
    class_of_each: pd.Series,
    pairs: pd.DataFrame,
    disagree: pd.Series,
) -> pd.DataFrame:
    """What became of each task's values; `noise` is the share of repeated pairs that disagree."""
    is_bound = frame["relation"] != ""
    undecided = is_bound if settings.kind == "real" else is_bound & class_of_each.isna()
    of_values = pd.DataFrame({"n_values": 1, "n_bounds": is_bound, "n_undecided": undecided})
    is_repeated = pairs["n_values"] > 1
    of_pairs = pd.DataFrame(
        {"n_labels": pairs["label"].notna(), "n_repeated": is_repeated, "n_conflicts": disagree}
    )
    counts = [of_values.groupby(task).sum(), of_pairs.groupby(pairs["task"].to_numpy()).sum()]
    account = pd.concat(counts, axis=1).rename_axis("task")
    account.insert(0, "kind", "real" if settings.kind == "real" else "binary")
    account.insert(1, "transform", settings.transform)
    account["noise"] = account["n_conflicts"] / account["n_repeated"].where(lambda n: n > 0)
    return account


def _noise(measured: pd.DataFrame, label: pd.Series, task: pd.Series) -> pd.Series:
    """How far repeats of each real-valued task differ; unknown without any.

    The variance within examples over that of the labels, so that no model can be expected to reach
    an R² above 1 - noise.
    """
    by_row = measured.groupby("row")["value"]
    repeated = pd.DataFrame({"size": by_row.size(), "variance": by_row.var(ddof=0)})
    repeated = repeated[repeated["size"] > 1]
    found = {}
    for name, part in repeated.groupby(task[repeated.index]):
        total = float(label[task == name].dropna().var())
        within = (part["variance"] * part["size"]).sum() / (part["size"] - 1).sum()
        found[name] = within / total if total > 0 else np.nan
    return pd.Series(found, dtype=np.float64)


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
    return grouped.agg(repeats)


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
