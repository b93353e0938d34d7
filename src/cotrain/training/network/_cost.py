"""What a fit will cost, before it is trained."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
from scipy.sparse import csr_array

from cotrain.allocation import Fit
from cotrain.tasks import TaskTable
from cotrain.training.network._settings import NetworkSettings

# Seconds on one core of a 2023 server for each thing that a fit does. Rough: they order fits, and
# tell the time before anything was measured; measured seconds set the scale.
_GATHERED = 1.5e-10  # one weight read and added: an entry of a row times a hidden unit
_UPDATED = 1.2e-9  # one weight updated by Adam
_ACTIVATED = 1.0e-9  # one unit of one row, activated and masked
_FIXED = 5e-3  # setting up and scoring a fit

_Number = TypeVar("_Number", int, np.ndarray)


def count_operations(table: TaskTable, fits: Sequence[Fit], model: NetworkSettings) -> np.ndarray:
    """Floating-point operations of training each fit, float64 (n_fits,).

    Those of `pass_operations` in all epochs, for an early stop cannot be foreseen.
    """
    n_rows, n_entries = _rows_and_entries(table, _allocations(table, fits))
    n_tasks = np.array([len(fit.members) for fit in fits])
    return np.asarray(model.epochs * pass_operations(n_rows, n_entries, model.hidden, n_tasks))


def pass_operations(
    n_rows: _Number, n_entries: _Number, hidden: Sequence[int], n_tasks: _Number
) -> _Number:
    """Operations of a pass forward and backward over rows with `n_entries` features set in all.

    Two a multiplication with addition. Matrix products count, as in `torch.utils.flop_counter`,
    the sparse one by stored entries.
    """
    dense = sum(a * b for a, b in pairwise(hidden)) + hidden[-1] * n_tasks
    # The first layer passes no gradient on, so it has two products and the others three.
    return 2 * (2 * n_entries * hidden[0] + 3 * n_rows * dense)


def count_rows(table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
    """Rows that each fit trains on, float64 (n_fits,)."""
    by_fold = _by_fold(table, _allocations(table, fits))
    return sum((some.sum(axis=0) for _, some in by_fold), np.zeros(len(fits)))


def estimate_seconds(table: TaskTable, fits: Sequence[Fit], model: NetworkSettings) -> np.ndarray:
    """The seconds that each fit takes on one core, about, float64 (n_fits,)."""
    train = _allocations(table, fits)
    evaluated = np.zeros_like(train)
    for place, fit in enumerate(fits):
        folds = [*fit.folds.validation, *fit.folds.test]
        evaluated[np.array(fit.members)[:, None], folds, place] = True
    n_rows, n_entries = _rows_and_entries(table, train)
    n_scored, n_scored_entries = _rows_and_entries(table, evaluated)
    units = sum(model.hidden)
    top = model.hidden[-1]
    below = sum(a * b for a, b in pairwise(model.hidden))
    steps = np.array([-(-n // model.batch_size(int(n))) for n in n_rows])
    heads = np.array([len(fit.members) for fit in fits])
    updated = steps * (_n_seen(table, n_rows) * model.hidden[0] + below + heads * top)
    gathered = 2 * n_entries * model.hidden[0] + 3 * n_rows * below
    epoch = _GATHERED * gathered + _UPDATED * updated + _ACTIVATED * n_rows * units
    passes = 1 if model.patience == 0 else model.epochs
    scoring = _GATHERED * (n_scored_entries * model.hidden[0] + n_scored * below)
    return np.asarray(_FIXED + model.epochs * epoch + passes * scoring)


def _n_seen(table: TaskTable, n_rows: np.ndarray) -> np.ndarray:
    """The features that so many rows have, as expected of a random choice of them, (n_fits,)."""
    counts = np.bincount(table.sparse_features.indices, minlength=table.n_features)
    shares, place = np.unique(np.round(n_rows / table.n_examples, 3), return_inverse=True)
    return np.array([-np.expm1(-share * counts).sum() for share in shares])[place]


def _allocations(table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
    """The cells that each fit trains on, bool (K, F, n_fits)."""
    nothing = np.zeros((table.n_tasks, table.n_folds, 0), dtype=bool)
    return np.dstack([nothing, *(fit.allocation.matrix for fit in fits)])


def _rows_and_entries(table: TaskTable, use: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows with a label that is used, and the features set in them, of each fit.

    `use` is bool (K, F, n_fits).
    """
    entries = np.diff(table.sparse_features.indptr).astype(np.float64)
    n_rows, n_entries = np.zeros(use.shape[2]), np.zeros(use.shape[2])
    for rows, some in _by_fold(table, use):
        n_rows += some.sum(axis=0)
        n_entries += entries[rows] @ some
    return n_rows, n_entries


def _by_fold(table: TaskTable, use: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows of each fold, (n,), and where fits use a label of them, bool (n, n_fits)."""
    known = csr_array(
        (np.ones(table.labels.nnz, np.float32), table.labels.indices, table.labels.indptr),
        shape=table.labels.shape,
    )
    for fold in range(table.n_folds):
        rows = np.flatnonzero(table.folds == fold)
        yield rows, (known[rows] @ use[:, fold].astype(np.float32)) > 0
