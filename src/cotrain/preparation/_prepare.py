"""From a raw table to the task table."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.features import Featurizer, make_featurizer
from cotrain.files import write_csv, write_sums
from cotrain.preparation._labels import (
    IN_THE_DATA,
    LabelMatrix,
    arrange,
    count_table,
    excluded_table,
    one_sided_tasks,
    unscorable_tasks,
)
from cotrain.preparation._notes import data_notes, overlap_table
from cotrain.preparation._values import check_values, label_values
from cotrain.registry import SPLITTERS
from cotrain.settings import PrepareSettings
from cotrain.sources import RawTable
from cotrain.splits import Folds, Splitter, distinct
from cotrain.tasks import TaskKind, TaskTable
from cotrain.words import listing


@dataclass(frozen=True, eq=False)
class Prepared:
    """The task table, and an account of what was merged or left out on the way.

    The tables that later stages read are those of `cotrain.tables`.
    """

    table: TaskTable  # examples in the order of their names, tasks in the source's order
    rejects: pd.DataFrame
    conflicts: pd.DataFrame
    excluded: pd.DataFrame
    tasks: pd.DataFrame  # what became of each task's values, bounds and repeats
    summary: pd.DataFrame
    fold_counts: pd.DataFrame
    overlap: pd.DataFrame  # examples that tasks share
    folds: pd.DataFrame  # example, fold, and the reason: what is kept together with it
    notes: pd.DataFrame  # what users should know of the split and the labels

    def save(self, table: Path, folder: Path) -> None:
        """Write the task table to the file `table`, and the account as CSV files to `folder`."""
        for field in fields(self)[1:]:
            write_csv(folder / f"{field.name}.csv", getattr(self, field.name))
        write_sums(folder)
        self.table.save(table)


def prepare(
    raw: RawTable,
    settings: PrepareSettings,
    evaluations: Sequence[Sequence[int]],
    n_test_folds: int = 0,
) -> Prepared:
    """Return the task table of what a source read.

    The featurizer names the examples: records of one name are merged. The table does not depend
    on the order of a task's measurements, unless the first of several is to count.

    `evaluations` are sets of folds that models will be trained or scored on: in each of them every
    task of the table holds both classes, or two distinct values if it is real-valued. Features are
    fitted to all but the last `n_test_folds`, which are as if unseen.

    Raises
    ------
    DataError
        If no record can be used, a value cannot be labelled, the features or the split do not
        suit the source, or no task is left.
    """
    places = raw.records.iloc[raw.values["record"].to_numpy()][["file", "row"]]
    places = places.reset_index(drop=True)
    check_values(places.join(raw.values[["task", "value"]].reset_index(drop=True)), settings.labels)
    featurizer = make_featurizer(settings.features)
    named, rejects = name_examples(raw, featurizer)
    names = named.names[named.values["record"].to_numpy()]
    labelled = label_values(named.values.assign(example=names), settings.labels)
    kinds: list[TaskKind] = [
        "real" if settings.labels.of(task).kind == "real" else "binary" for task in raw.tasks
    ]
    labels = LabelMatrix.of(labelled.labels, raw.tasks, kinds)

    one_sided = one_sided_tasks(labels, np.arange(len(labels.examples)), IN_THE_DATA)
    learnable = labels.without(one_sided)
    _check_any_left(learnable, excluded_table(labels, one_sided))
    found = _folds(named, learnable, settings)
    unscorable = unscorable_tasks(learnable, found.folds, evaluations)
    scorable = learnable.without(unscorable)
    excluded = excluded_table(labels, one_sided | unscorable)
    _check_any_left(scorable, excluded)

    kept = pd.Index(learnable.examples).isin(scorable.examples)
    folds = found.folds[kept]
    first = distinct(named)
    examples = named.take(first[pd.Index(named.names[first]).isin(scorable.examples)])
    featurizer.fit(examples.take(np.flatnonzero(folds < settings.n_folds - n_test_folds)))
    lower, upper = (_bound_matrix(labelled.bounds, side, scorable) for side in (">", "<"))
    features = featurizer.transform(examples)
    if features.shape[0] != len(examples.records) or features.dtype != np.float32:
        raise DataError(  # another package's featurizer
            f"`prepare.features`: {settings.features.kind} must give float32 features of "
            f"{len(examples.records)} examples, got {features.dtype} of {features.shape[0]}"
        )
    table = TaskTable(
        features,
        scorable.values,
        folds,
        scorable.tasks,
        scorable.kinds,
        examples=tuple(scorable.examples.tolist()),
        n_folds=settings.n_folds,
        description=featurizer.describe(),
        lower_bounds=lower,
        upper_bounds=upper,
    )
    split = settings.split.kind
    summary = {
        "measurements read": len(raw.values),
        "rows rejected": len(rejects),
        "measurements rejected": len(raw.values) - len(named.values),
        "measurements merged into another": len(named.values) - labelled.n_pairs,
        "measurements that are bounds": int(labelled.tasks["n_bounds"].sum()),
        "bounds that decide no label": int(labelled.tasks["n_undecided"].sum()),
        "pairs with conflicting values": len(labelled.conflicts),
        "pairs left without a label": labelled.n_pairs - len(labelled.labels),
        "tasks excluded": len(excluded),
        "examples left out with those tasks": len(labels.examples) - table.n_examples,
        "tasks": table.n_tasks,
        "examples": table.n_examples,
        "labels": table.labels.nnz,
        "positive labels": int(table.positive_counts[table.is_binary].sum())
        if table.is_binary.any()
        else pd.NA,
        f"{split} folds": settings.n_folds,
    }
    told = featurizer.notes(examples, table.features)
    notes = [*found.notes, *told, *data_notes(labelled, excluded, scorable, split)]
    return Prepared(
        table,
        rejects,
        labelled.conflicts,
        excluded,
        labelled.tasks,
        pd.DataFrame(summary.items(), columns=["item", "count"]),
        count_table(table),
        overlap_table(table, found.groups[kept]),
        pd.DataFrame({"example": scorable.examples, "fold": folds, "reason": found.groups[kept]}),
        pd.DataFrame({"note": notes}, dtype=object),
    )


def _check_any_left(labels: LabelMatrix, excluded: pd.DataFrame) -> None:
    if not labels.tasks:
        reasons = listing([f"`{row.task}`: {row.reason}" for row in excluded.itertuples()], 3)
        raise DataError(f"no task is left to learn ({reasons}); check `prepare.labels`")


def _folds(named: RawTable, labels: LabelMatrix, settings: PrepareSettings) -> Folds:
    """The folds of the examples, checked: they may be another package's."""
    rows = np.flatnonzero(named.records["example"].isin(labels.examples))
    splitter: Splitter = SPLITTERS.find(settings.split.kind)(settings.split)
    try:
        found = splitter.folds(named.take(rows), labels.values, settings.n_folds, settings.seed)
    except ValueError as error:  # too few groups
        raise DataError(f"`prepare.n_folds`: {error}") from error
    size = len(labels.examples)
    whole = np.issubdtype(found.folds.dtype, np.integer) and found.folds.shape == (size,)
    if not whole or found.folds.min() < 0 or found.folds.max() >= settings.n_folds:
        raise DataError(
            f"`prepare.split`: {settings.split.kind} must give {size} folds in "
            f"0 .. {settings.n_folds - 1}, one an example"
        )
    return Folds(found.folds.astype(np.int64), found.groups, found.notes)


def _bound_matrix(bounds: pd.DataFrame, side: str, labels: LabelMatrix) -> csr_array | None:
    """Bounds of one side, of the tasks and examples of the table; None: there are none."""
    row = pd.Index(labels.examples).get_indexer(pd.Index(bounds["example"]))
    chosen = (bounds["side"] == side) & bounds["task"].isin(labels.tasks) & (row >= 0)
    if not chosen.any():
        return None
    shape = (len(labels.examples), len(labels.tasks))
    return arrange(bounds[chosen], row[chosen.to_numpy()], labels.tasks, shape)


def name_examples(raw: RawTable, featurizer: Featurizer) -> tuple[RawTable, pd.DataFrame]:
    """Return the records that have values under the names of their examples, and the rejects.

    Of these file, row, example, input (the cell that features would be made of) and reason.
    """
    measured = np.unique(raw.values["record"].to_numpy())
    chosen = raw.take(measured)
    found = featurizer.names(chosen)
    kept = np.array([name is not None for name in found.names], dtype=bool)
    rejects = chosen.records[~kept].assign(input="", reason=found.reasons[~kept])
    if (column := getattr(featurizer.settings, "column", None)) in chosen.inputs:
        rejects["input"] = chosen.inputs[column].to_numpy()[~kept]
    rejects = rejects.sort_values(["file", "row"], ignore_index=True)
    if not kept.any() or (len(kept) >= 10 and kept.mean() < 0.5):
        first = rejects.iloc[0]
        raise DataError(
            f"{first.file}: {int((~kept).sum())} of {len(kept)} records cannot be used, the first "
            f"in row {first.row} ({first.reason}); check the column that "
            "`prepare.features` names"
        )
    place = np.full(len(raw.records), -1)
    place[measured[kept]] = np.arange(int(kept.sum()))
    values = raw.values.assign(record=place[raw.values["record"].to_numpy()])
    values = values[values["record"] >= 0].reset_index(drop=True)
    part = chosen.take(np.flatnonzero(kept))
    records = part.records.assign(example=found.names[kept])
    named = RawTable(records, part.inputs, values, raw.summary, part.features, folder=raw.folder)
    return named, rejects
