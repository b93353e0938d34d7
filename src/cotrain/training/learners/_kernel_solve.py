"""Kernel ridge regression of many tasks at once: the operator, and conjugate gradients on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from cotrain.tasks import Features
from cotrain.training._learner import check_stop
from cotrain.training.learners._similarity import Similarity

_TOLERANCE = 1e-3
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
        by_task = sum(part.size**2 for part in labels) <= features.shape[0] ** 2
        if apart and by_task:
            rows = [row[part] for part in labels]
            kernels = [similarity.part(own)(features[own]) for own in rows]
            nothing = np.empty((features.shape[0], 0), dtype=np.float32)
            return cls(nothing, row, member, n_members, list(zip(labels, kernels, strict=True)))
        kernel = similarity(features)
        blocks = []
        if by_task:
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
            if not share.any():
                return np.asarray(own)
            every = product.sum(axis=1)[self.row]
        return np.asarray((1 - share) * own + share * every)


def solve(
    covariance: Coupled,
    targets: np.ndarray,
    weight: np.ndarray,
    noise: np.ndarray,
    share: np.ndarray,
    used: np.ndarray,
    stop: np.ndarray,
) -> np.ndarray:
    """X of (covariance + diag(noise / weight)) x = targets, float32 (n_labels, c, m).

    For each of the c columns, with a `share` and the labels in `used`, bool (n_labels, c), and each
    of the m noises; x is 0 where a label is not used. `targets` and the positive `weight` are
    float32 (n_labels,).

    Conjugate gradients with shifts (Jegerlehner 1996, hep-lat/9612014): the steps of the least
    noise give those of all others, for their residuals are multiples of its own.
    """
    root = np.sqrt(weight)[:, None]
    least, shift = noise.min(), (noise - noise.min()).astype(np.float64)
    first = int(noise.argmin())
    residual = np.where(used, root * targets[:, None], np.float32(0))
    x = np.zeros((*residual.shape, noise.size), dtype=np.float32)
    direction = np.repeat(residual[:, :, None], noise.size, axis=2)
    square = (residual.astype(np.float64) ** 2).sum(axis=0)
    enough = square * _TOLERANCE**2
    # (c, m): each residual as a multiple of the first one's, now and a step ago
    part = before = np.ones((share.size, noise.size))
    live = np.repeat((square > enough)[:, None], noise.size, axis=1)
    length, ratio = np.ones(share.size), np.zeros(share.size)
    for _ in range(_MOST_STEPS):
        check_stop(stop)
        # A column that is done is multiplied no more.
        at = np.flatnonzero(live.any(axis=1))
        if not at.size:
            break
        own = direction[:, at, first]
        image = root * covariance.times(root * own, share[at]) + least * own
        image[~used[:, at]] = 0
        step = square[at] / (own.astype(np.float64) * image).sum(axis=0)
        left = residual[:, at] - step.astype(np.float32) * image
        new = (left.astype(np.float64) ** 2).sum(axis=0)
        p, b, a, moving = part[at], before[at], length[at, None], live[at]
        after = b * a * (1 + shift * step[:, None]) + step[:, None] * ratio[at, None] * (b - p)
        after = np.where(moving, p * b * a / after, p)
        ratio[at], length[at], residual[:, at] = new / square[at], step, left
        along = np.where(moving, step[:, None] * after / p, 0).astype(np.float32)
        kept = np.where(moving, ratio[at, None] * (after / p) ** 2, 0).astype(np.float32)
        x[:, at] += along * direction[:, at]
        direction[:, at] = after.astype(np.float32) * left[:, :, None] + kept * direction[:, at]
        square[at] = new
        before, part = before.copy(), part.copy()
        before[at], part[at] = p, after
        live[at] &= after**2 * new[:, None] > enough[at, None]
    return np.asarray(root[:, :, None] * x)
