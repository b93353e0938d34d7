"""The task table: features, labels with gaps, folds."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.files import load_arrays, pack_sparse, reading, save_arrays, unpack_sparse

TaskKind = Literal["binary", "real"]
# What a model may be given of an example.
Reads = Literal["features", "molecules"]
# csr_array or ndarray of float32: scipy carries no types, so mypy could not tell them apart.
Features: TypeAlias = Any


@dataclass(frozen=True, eq=False)
class TaskTable:
    """N examples with D features, and the labels of K tasks as far as they are known.

    Attributes
    ----------
    features : csr_array of float32, (N, D), or ndarray of float32, (N, ...)
        Sparse features, column indices sorted within each row, or dense ones of any shape.
    labels : csr_array of float32, (N, K)
        A stored entry is a known label, *stored zeros included*; what is not stored is unknown.
        Binary tasks hold 0 and 1.
    folds : ndarray of int64, (N,)
        The fold of each example, in 0 .. n_folds - 1.
    tasks : tuple of str, (K,)
        The tasks' names.
    kinds : tuple of {"binary", "real"}, (K,)
        What each task's labels are.
    examples : tuple of str, (N,)
        A name for each example (canonical SMILES for molecules).
    n_folds : int
        The number of folds F; a fold may be empty.
    example_weights : ndarray of float64, (N,), or None
        The factor of each example's losses in training, positive; None: 1 each.
    description : dict or None
        What makes such features of new examples, as plain JSON values; see `Featurizer.describe`.
        None: nothing does.
    lower_bounds, upper_bounds : csr_array of float32, (N, K), or None
        Where a real label could not be measured, what it is known to be above or below. Such a
        cell is not among the labels: a learner with a one-sided loss reads `with_bounds`.

    Raises
    ------
    DataError
        If the parts do not fit together, a name stands twice, a label is not finite, or a binary
        label is neither 0 nor 1.
    """

    features: Features
    labels: csr_array
    folds: np.ndarray
    tasks: tuple[str, ...]
    kinds: tuple[TaskKind, ...]
    examples: tuple[str, ...]
    n_folds: int
    example_weights: np.ndarray | None = None
    description: dict[str, Any] | None = None
    lower_bounds: csr_array | None = None
    upper_bounds: csr_array | None = None

    def __post_init__(self) -> None:
        _check(self)

    @property
    def n_examples(self) -> int:
        return int(self.features.shape[0])

    @property
    def n_features(self) -> int:
        """Numbers an example: the product of all axes but the first."""
        return int(np.prod(self.features.shape[1:]))

    @property
    def is_dense(self) -> bool:
        """Whether the features are an ndarray."""
        return isinstance(self.features, np.ndarray)

    @property
    def n_tasks(self) -> int:
        return len(self.tasks)

    @cached_property
    def is_binary(self) -> np.ndarray:
        """Whether each task is binary, bool (K,)."""
        return np.array([kind == "binary" for kind in self.kinds], dtype=bool)

    @cached_property
    def sparse_features(self) -> csr_array:
        """The features as a csr_array (N, D), dense ones of any shape too."""
        if isinstance(self.features, csr_array):
            return self.features
        return csr_array(self.features.reshape(self.n_examples, -1))

    def inputs(self, reads: Reads) -> Features:
        """What a model that `reads` features or molecules is given of the examples, (N, ...).

        Molecules are canonical SMILES, the examples' names: an ndarray of object, (N,). DataError
        if molecules are asked for and the examples are none.
        """
        if reads == "features":
            return self.features
        kind = (self.description or {}).get("kind")
        if kind != "molecules":
            raise DataError(
                f"needs molecules, and the examples are none (`prepare.features.kind` is {kind}): "
                "set that to molecules, or take another learner"
            )
        return self._names

    @cached_property
    def _names(self) -> np.ndarray:
        return np.array(self.examples, dtype=object)

    @cached_property
    def with_bounds(self) -> tuple["TaskTable", np.ndarray]:
        """The table with its bounds among the labels, and which those are.

        Of int8 (n_labels,): 0 a label, 1 what the value is above, -1 what it is below. A cell
        between two bounds holds both.
        """
        parts = [(0, self.labels), (1, self.lower_bounds), (-1, self.upper_bounds)]
        known = [(side, part.tocoo()) for side, part in parts if part is not None]
        side = np.concatenate([np.full(part.nnz, side, dtype=np.int8) for side, part in known])
        row, column = (np.concatenate([part.coords[at] for _, part in known]) for at in (0, 1))
        value = np.concatenate([part.data for _, part in known])
        order = np.lexsort((column, row))
        start = np.append(0, np.cumsum(np.bincount(row, minlength=self.n_examples)))
        labels = csr_array((value[order], column[order], start), shape=self.labels.shape)
        return replace(self, labels=labels, lower_bounds=None, upper_bounds=None), side[order]

    @cached_property
    def label_counts(self) -> np.ndarray:
        """Number of known labels of each task in each fold, int64 (K, F)."""
        return self._count(np.ones(self.labels.nnz))

    @cached_property
    def positive_counts(self) -> np.ndarray:
        """Number of positive labels of each task in each fold, int64 (K, F)."""
        return self._count(self.labels.data > 0)

    @cached_property
    def label_rows(self) -> np.ndarray:
        """The example of each stored label, int64 (n_labels,)."""
        return np.repeat(np.arange(self.n_examples), np.diff(self.labels.indptr))

    @cached_property
    def labels_by_cell(self) -> tuple[np.ndarray, np.ndarray]:
        """The places of the stored labels, sorted by task and then fold, int64 (n_labels,), and
        where those of each task and fold begin, int64 (K * F + 1,).
        """
        cell = self._cell_of_label()
        counts = np.bincount(cell, minlength=self.n_tasks * self.n_folds)
        return np.argsort(cell, kind="stable"), np.append(0, np.cumsum(counts))

    def _cell_of_label(self) -> np.ndarray:
        cell: np.ndarray = self.labels.indices * np.int64(self.n_folds)
        return cell + self.folds[self.label_rows]

    def _count(self, weight: np.ndarray) -> np.ndarray:
        cell, n_cells = self._cell_of_label(), self.n_tasks * self.n_folds
        counts = np.bincount(cell, weights=weight, minlength=n_cells)
        return counts.astype(np.int64).reshape(self.n_tasks, self.n_folds)

    def save(self, path: Path) -> None:
        """Write the table to one `.npz` file; the same table gives the same bytes."""
        parts: dict[str, Any] = {}
        if self.example_weights is not None:
            parts["example_weights"] = self.example_weights
        if self.description is not None:
            text = json.dumps(self.description, sort_keys=True, allow_nan=False)
            parts["description"] = np.array(text.encode())
        if self.is_dense:
            parts["features"] = self.features
        else:
            parts |= pack_sparse("feature_", self.features)
        for name in _BOUNDS:
            if (bounds := getattr(self, name)) is not None:
                parts |= pack_sparse(f"{name}_", bounds)
        parts |= {
            "folds": self.folds,
            "tasks": np.array(self.tasks, dtype=np.str_),
            "kinds": np.array(self.kinds, dtype=np.str_),
            "examples": np.array([name.encode() for name in self.examples], dtype=np.bytes_),
            "shape": np.array([self.features.shape[1], self.n_folds], dtype=np.int64),
        }
        save_arrays(path, "task table", parts | pack_sparse("label_", self.labels))

    @classmethod
    def load(cls, path: Path) -> "TaskTable":
        """Read a table that `save` wrote.

        DataError if the file is missing or is not a task table.
        """
        expected = path, "task table", "run `cotrain prepare`"
        part = load_arrays(*expected)
        with reading(*expected):
            n_features, n_folds = (int(size) for size in part["shape"])
            by_task = part["folds"].size, part["tasks"].size
            features = part.get("features")
            if features is None:
                features = unpack_sparse("feature_", part, (by_task[0], n_features))
            bounds = [name for name in _BOUNDS if f"{name}_data" in part]
            return cls(
                features=features,
                labels=unpack_sparse("label_", part, by_task),
                folds=part["folds"],
                tasks=tuple(part["tasks"].tolist()),
                kinds=tuple(part["kinds"].tolist()),
                examples=tuple(name.decode() for name in part["examples"].tolist()),
                n_folds=n_folds,
                example_weights=part.get("example_weights"),
                description=(
                    json.loads(bytes(part["description"])) if "description" in part else None
                ),
                **{name: unpack_sparse(f"{name}_", part, by_task) for name in bounds},
            )


def file_version(path: Path) -> str:
    """The MD5 of a file, which is the hash that DVC gives it: the *data version* of a table."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


_BOUNDS = ("lower_bounds", "upper_bounds")


def _check(table: TaskTable) -> None:
    n_examples, n_tasks = table.features.shape[0], len(table.tasks)
    if n_examples == 0 or n_tasks == 0:
        raise DataError(f"a task table needs examples and tasks, got {n_examples} and {n_tasks}")
    if table.labels.shape != (n_examples, n_tasks):
        raise DataError(f"labels must have shape {(n_examples, n_tasks)}, got {table.labels.shape}")
    sizes = {"folds": len(table.folds), "examples": len(table.examples)}
    for name, size in sizes.items():
        if size != n_examples:
            raise DataError(f"{name} must have {n_examples} entries, one an example, got {size}")
    weights = table.example_weights
    if weights is not None and not (
        weights.shape == (n_examples,) and np.isfinite(weights).all() and (weights > 0).all()
    ):
        raise DataError(f"example_weights must be {n_examples} positive numbers, one an example")
    if len(table.kinds) != n_tasks or not {*table.kinds} <= {*get_args(TaskKind)}:
        raise DataError(f"kinds must be {n_tasks} of {get_args(TaskKind)}, got {table.kinds}")
    if len(set(table.tasks)) < n_tasks:
        twice = sorted({name for name in table.tasks if table.tasks.count(name) > 1})
        raise DataError(f"task names must differ, got twice: {', '.join(twice)}")
    if table.folds.min() < 0 or table.folds.max() >= table.n_folds:
        raise DataError(f"folds must be in 0 .. {table.n_folds - 1}, got {table.folds.max()}")
    features = table.features if table.is_dense else table.features.data
    if not np.isfinite(table.labels.data).all() or not np.isfinite(features).all():
        raise DataError("labels and features must be finite numbers; unknown labels are not stored")
    binary_labels = table.labels.data[table.is_binary[table.labels.indices]]
    if not np.isin(binary_labels, (0, 1)).all():
        raise DataError("labels of binary tasks must be 0 or 1; set `prepare.labels` to label them")
    for name in _BOUNDS:
        bounds = getattr(table, name)
        if bounds is not None and bounds.shape != table.labels.shape:
            raise DataError(f"{name} must have shape {table.labels.shape}, got {bounds.shape}")
