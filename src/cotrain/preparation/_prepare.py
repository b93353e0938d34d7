from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.features import ecfp
from cotrain.files import write_csv
from cotrain.preparation._labels import LabelMatrix
from cotrain.preparation._names import name_examples
from cotrain.preparation._tasks import (
    count_table,
    excluded_table,
    one_sided_tasks,
    unscorable_tasks,
)
from cotrain.preparation._values import check_values, label_values
from cotrain.settings import PrepareSettings
from cotrain.sources import Measurements
from cotrain.splits import random_folds, scaffold_folds
from cotrain.tasks import TaskKind, TaskTable


@dataclass(frozen=True, eq=False)
class Prepared:
    """The task table, and an account of what was merged or left out on the way.

    Attributes
    ----------
    table : TaskTable
        Examples in the order of their names, tasks in the source's order.
    rejects : DataFrame with columns file, row, example, smiles, reason
        Rows of the source whose molecule cannot be parsed.
    conflicts : DataFrame with columns example, task, n_values, lowest, median, highest, label
        Repeated measurements that would be labelled differently; `label` is what they got.
    excluded : DataFrame with columns task, n_labels, reason
        Tasks that cannot be learned or scored.
    summary : DataFrame with columns item, count
        What came in, what each step left out, and what is in the table.
    fold_counts : DataFrame with columns task, fold, n_labels, n_positive
        How the labels spread over the folds; `n_positive` is missing for real-valued tasks.
    """

    table: TaskTable
    rejects: pd.DataFrame
    conflicts: pd.DataFrame
    excluded: pd.DataFrame
    summary: pd.DataFrame
    fold_counts: pd.DataFrame

    def save(self, table: Path, folder: Path) -> None:
        """Write the task table to the file `table`, and the account as CSV files to `folder`."""
        for name in ("rejects", "conflicts", "excluded", "summary", "fold_counts"):
            write_csv(folder / f"{name}.csv", getattr(self, name))
        self.table.save(table)


def prepare(
    measurements: Measurements, settings: PrepareSettings, evaluations: Sequence[Sequence[int]]
) -> Prepared:
    """Return the task table of `measurements`.

    Molecules are named by their canonical SMILES, and merged where the names agree; salts are
    left as they are. The table does not depend on the order of a task's measurements.

    Parameters
    ----------
    measurements : Measurements
        What a source gave.
    settings : PrepareSettings
        The section `prepare` of params.yaml.
    evaluations : sequence of sequences of int
        Sets of folds that models will be trained or scored on. In each of them every task of the
        table holds both classes, or two distinct values if it is real-valued.

    Raises
    ------
    DataError
        If no molecule can be parsed, a value cannot be labelled, the split does not suit the
        source, or no task is left.
    """
    check_values(measurements.table, settings.label)
    _check_split(measurements, settings)
    named, rejects = name_examples(measurements)
    labelled = label_values(named, settings.label)
    kind: TaskKind = "real" if settings.label.kind == "real" else "binary"
    labels = LabelMatrix.of(labelled.labels, measurements.tasks, kind)

    one_sided = one_sided_tasks(labels)
    learnable = labels.without(one_sided)
    _check_any_left(learnable, excluded_table(labels, one_sided))
    folds = _folds(learnable, settings)
    unscorable = unscorable_tasks(learnable, folds, evaluations)
    scorable = learnable.without(unscorable)
    excluded = excluded_table(labels, one_sided | unscorable)
    _check_any_left(scorable, excluded)

    table = TaskTable(
        features=_features(scorable, measurements, settings),
        labels=scorable.values,
        folds=folds[np.isin(learnable.examples, scorable.examples)],
        tasks=scorable.tasks,
        kinds=(kind,) * len(scorable.tasks),
        examples=tuple(scorable.examples.tolist()),
        n_folds=settings.n_folds,
    )
    summary = {
        "measurements read": len(measurements.table),
        "rows rejected": len(rejects),
        "measurements rejected": len(measurements.table) - len(named),
        "measurements merged into another": len(named) - labelled.n_pairs,
        "pairs with conflicting values": len(labelled.conflicts),
        "pairs left without a label by a draw": labelled.n_pairs - len(labelled.labels),
        "tasks excluded": len(excluded),
        "examples left out with those tasks": len(labels.examples) - table.n_examples,
        "tasks": table.n_tasks,
        "examples": table.n_examples,
        "labels": table.labels.nnz,
        "positive labels": int(table.positive_counts.sum()) if kind == "binary" else pd.NA,
        "scaffold folds" if settings.split == "scaffold" else "random folds": settings.n_folds,
    }
    return Prepared(
        table,
        rejects,
        labelled.conflicts,
        excluded,
        pd.DataFrame(summary.items(), columns=["item", "count"]),
        count_table(table),
    )


def _check_split(measurements: Measurements, settings: PrepareSettings) -> None:
    if measurements.features is not None and settings.split == "scaffold":
        raise DataError(
            "the source has no molecules, so no scaffolds; set `prepare.split` to random"
        )


def _check_any_left(labels: LabelMatrix, excluded: pd.DataFrame) -> None:
    if not labels.tasks:
        reasons = "; ".join(f"`{row.task}`: {row.reason}" for row in excluded.head(3).itertuples())
        more = f"; and {len(excluded) - 3} more" if len(excluded) > 3 else ""
        raise DataError(f"no task is left to learn ({reasons}{more}); check `prepare.label`")


def _folds(labels: LabelMatrix, settings: PrepareSettings) -> np.ndarray:
    try:
        if settings.split == "scaffold":
            smiles = labels.examples.tolist()
            return scaffold_folds(smiles, labels.values, settings.n_folds, settings.seed)
        return random_folds(labels.values, settings.n_folds, settings.seed)
    except ValueError as error:
        raise DataError(f"`prepare.n_folds`: {error}") from error


def _features(
    labels: LabelMatrix, measurements: Measurements, settings: PrepareSettings
) -> csr_array:
    if measurements.features is None:
        fingerprint = settings.fingerprint
        return ecfp(labels.examples.tolist(), fingerprint.radius, fingerprint.bits)
    names = np.unique(measurements.table["example"].to_numpy(dtype=object))
    features = csr_array(measurements.features[np.searchsorted(names, labels.examples)])
    features.sort_indices()
    return features
