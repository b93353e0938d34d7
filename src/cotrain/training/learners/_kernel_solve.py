"""Kernel ridge regression of many tasks at once: the operator, and conjugate gradients on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from cotrain.tasks import Features
from cotrain.training._learner import check_stop
from cotrain.training.learners._similarity import Similarity

_TOLERANCE = 1e-4
_MOST_STEPS = 500


@dataclass(frozen=True, eq=False)
class Coupled:
    """The covariance of labels: of the examples times of the tasks, (1 - s) I + s 1 1ᵀ."""

    # (n, n) of float32: the covariance of examples; (n, 0) where only `blocks` are known: tasks
    # then share nothing
    kernel: np.ndarray
    # (n_labels,): the example and the task of each label
    row: np.ndarray
    member: np.ndarray
    n_members: int
    # sequence of (ndarray of int, ndarray of float32), or empty: each task's labels and their
    # covariance; none where they are larger than the whole
    blocks: Sequence[tuple[np.ndarray, np.ndarray]] = ()

    @classmethod
    def of(
        cls,
        similarity: Similarity,
        features: Features,
        row: np.ndarray,
        member: np.ndarray,
        n_members: int,
        apart: bool,
    ) -> Self:
        """The covariance of the labels of examples; `apart`: tasks share nothing."""
        labels = [np.flatnonzero(member == place) for place in range(n_members)]
        if apart:
            rows = [row[part] for part in labels]
            kernels = [similarity.part(own)(features[own]) for own in rows]
            nothing = np.empty((features.shape[0], 0), dtype=np.float32)
            return cls(nothing, row, member, n_members, list(zip(labels, kernels, strict=True)))
        kernel = similarity(features)
        blocks = []
        if sum(part.size**2 for part in labels) <= kernel.size:
            blocks = [(part, kernel[np.ix_(row[part], row[part])]) for part in labels]
        return cls(kernel, row, member, n_members, blocks)

    def times(self, vectors: np.ndarray, share: np.ndarray) -> np.ndarray:
        """The products with vectors, float32 (n_labels, c), where column c has its own share s."""
        n, n_columns = self.kernel.shape[0], vectors.shape[1]
        if self.blocks:
            own = np.empty_like(vectors)
            for labels, block in self.blocks:
                own[labels] = block @ vectors[labels]
            if not share.any():
                return own
            total = np.zeros((n, n_columns), dtype=np.float32)
            np.add.at(total, self.row, vectors)
            every = (self.kernel @ total)[self.row]
        else:
            spread = np.zeros((n, self.n_members, n_columns), dtype=np.float32)
            spread[self.row, self.member] = vectors
            product = (self.kernel @ spread.reshape(n, -1)).reshape(spread.shape)
            own = product[self.row, self.member]
            every = product.sum(axis=1)[self.row]
        return np.asarray((1 - share) * own + share * every)


def solve(
    covariance: Coupled,
    targets: np.ndarray,
    noise: np.ndarray,
    share: np.ndarray,
    used: np.ndarray,
    stop: np.ndarray,
) -> np.ndarray:
    """Column by column x of (covariance + diag(noise)) x = targets on the labels used.

    Parameters
    ----------
    covariance : Coupled
    targets : ndarray of float32, (n_labels,)
    noise : ndarray of float32, (n_labels, c)
    share : ndarray of float32, (c,)
    used : ndarray of bool, (n_labels, c)
        x is 0 elsewhere.
    stop : ndarray of bool, (1,)

    Returns
    -------
    ndarray of float32, (n_labels, c)
    """
    residual = np.where(used, targets[:, None], np.float32(0))
    x = np.zeros_like(residual)
    direction = residual.copy()
    square = (residual.astype(np.float64) ** 2).sum(axis=0)
    enough = square * _TOLERANCE**2
    for _ in range(_MOST_STEPS):
        check_stop(stop)
        going = square > enough
        if not going.any():
            break
        image = np.where(used, covariance.times(direction, share) + noise * direction, 0)
        curve = (direction.astype(np.float64) * image).sum(axis=0)
        step = np.where(going, square / np.where(going, curve, 1), 0).astype(np.float32)
        x += step * direction
        residual -= step * image
        new = (residual.astype(np.float64) ** 2).sum(axis=0)
        ratio = np.where(going, new / np.where(going, square, 1), 0).astype(np.float32)
        direction = np.where(going, residual + ratio * direction, direction)
        square = np.where(going, new, square)
    return x
