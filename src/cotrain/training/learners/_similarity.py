"""Kernels of examples: MinMax (Tanimoto on bits) of what counts, RBF or linear of what measures."""

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from scipy.sparse import csr_array, issparse

from cotrain.tasks import Features
from cotrain.training._arrays import Storable
from cotrain.training.learners._matrix import as_matrix

KernelName = Literal["auto", "minmax", "rbf", "linear"]

CHUNK = 2**24  # similarities that are computed at once


@dataclass(frozen=True, eq=False)
class Similarity(Storable):
    """The kernel between any examples and those trained on; 1 of an example with itself (RBF).

    Columns are counted (MinMax) or measured (RBF or linear, after scaling to mean 0 and standard
    deviation 1); where there are both, the kernel is the mean of both.
    """

    # of int64: the columns of each kind
    counted: np.ndarray
    measured: np.ndarray
    # The counted columns of the examples trained on, as a csr_array holds them
    start: np.ndarray
    index: np.ndarray
    value: np.ndarray
    # (n_measured,) of float64
    centre: np.ndarray
    spread: np.ndarray
    # (n, n_measured) of float32: the scaled measured columns of the examples trained on
    points: np.ndarray
    width: np.ndarray  # (1,) of float64: the RBF's variance for each column; 0: linear

    @property
    def n(self) -> int:
        """Examples trained on."""
        return int(self.start.size) - 1

    @classmethod
    def of(cls, features: Features, kernel: KernelName, length_scale: float) -> Self:
        """The kernel for these training examples.

        `auto` counts the columns of sparse features that are never negative, and measures others.
        """
        matrix = as_matrix(features)
        measured = _measured(matrix, kernel)
        counted = np.setdiff1d(np.arange(matrix.shape[1]), measured)
        dense = _columns(matrix, measured)
        centre, spread = dense.mean(axis=0), dense.std(axis=0)
        varies = spread > 0
        measured, centre, spread = measured[varies], centre[varies], spread[varies]
        points = ((dense[:, varies] - centre) / spread).astype(np.float32)
        bags = _bags(matrix, counted)
        width = 0.0 if kernel == "linear" else length_scale**2 * max(measured.size, 1)
        return cls(
            counted, measured, bags.indptr, bags.indices, bags.data, centre, spread, points,
            np.array([width]),
        )  # fmt: skip

    def __call__(self, features: Features) -> np.ndarray:
        """The kernel of each row with each example trained on, float32 (n_rows, n)."""
        from cotrain.training.learners._compiled import min_max

        matrix = as_matrix(features)
        total, n_parts = np.zeros((matrix.shape[0], self.n), dtype=np.float32), 0
        if self.counted.size:
            bags, n_parts = _bags(matrix, self.counted), n_parts + 1
            min_max(
                (bags.indptr, bags.indices, bags.data),
                (self.start, self.index, self.value),
                np.zeros(self.counted.size, dtype=np.float32),
                total,
            )
        if self.measured.size:
            dense, n_parts = _columns(matrix, self.measured), n_parts + 1
            points = ((dense - self.centre) / self.spread).astype(np.float32)
            # By rows, for what is worked out on the way takes three times the kernel's memory.
            size = max(1, CHUNK // max(self.n, 1))
            for at in range(0, len(points), size):
                total[at : at + size] += self._of_points(points[at : at + size])
        total /= np.float32(max(n_parts, 1))
        return total

    def part(self, rows: np.ndarray) -> Self:
        """The kernel with some of the examples trained on."""
        shape = (self.n, self.counted.size)
        bags = csr_array((self.value, self.index, self.start), shape=shape)[rows]
        return replace(
            self, start=bags.indptr, index=bags.indices, value=bags.data, points=self.points[rows]
        )

    def _of_points(self, points: np.ndarray) -> np.ndarray:
        product = points @ self.points.T
        if self.width[0] == 0:
            return product / np.float32(self.measured.size)
        square = (points**2).sum(axis=1)[:, None] + (self.points**2).sum(axis=1)
        distance = np.maximum(square - 2 * product, 0)
        return np.asarray(np.exp(distance / np.float32(-2 * self.width[0])))

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        found = super().from_arrays(arrays)
        n, n_counted = found.n, found.counted.size
        steps = np.diff(found.start)
        fits = n >= 0 and (steps >= 0).all() and found.start[-1] == found.index.size
        fits = fits and found.value.size == found.index.size
        fits = fits and ((found.index >= 0) & (found.index < n_counted)).all()
        if not fits or found.points.shape != (n, found.measured.size):
            raise ValueError("its examples do not fit together")
        return found


def _measured(matrix: Features, kernel: KernelName) -> np.ndarray:
    """The columns that are measured, not counted."""
    every = np.arange(matrix.shape[1])
    if kernel in ("rbf", "linear") or (kernel == "auto" and not issparse(matrix)):
        return every
    negative = matrix.min(axis=0)
    signed = np.flatnonzero((negative.toarray() if issparse(negative) else negative).ravel() < 0)
    if kernel == "minmax" and signed.size:
        raise ValueError("features must not be negative")
    return signed


def _columns(matrix: Features, columns: np.ndarray) -> np.ndarray:
    chosen = matrix if columns.size == matrix.shape[1] else matrix[:, columns]
    return np.asarray(chosen.toarray() if issparse(chosen) else chosen)


def _bags(matrix: Features, columns: np.ndarray) -> csr_array:
    """The columns as a csr_array without what is not positive."""
    chosen = csr_array(matrix if columns.size == matrix.shape[1] else matrix[:, columns])
    if chosen.nnz and chosen.data.min() <= 0:
        chosen = chosen.copy()
        chosen.data = np.maximum(chosen.data, 0)
        chosen.eliminate_zeros()
    return chosen
