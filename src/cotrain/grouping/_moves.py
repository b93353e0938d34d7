"""Partitions a few moves away from the best so far: relocate, swap, merge, split."""

import numpy as np

Labels = tuple[int, ...]

ELITE = 20
"""Partitions kept to start from, and of each number of groups a quarter as many."""


class Moves:
    """Proposes labels, one a block, from those that did best.

    Parameters
    ----------
    n_blocks, n_labels : int
        What is labelled, and with how many different labels.
    seed : sequence of int
    """

    def __init__(self, n_blocks: int, n_labels: int, seed: tuple[int, ...]) -> None:
        self._shape = n_blocks, n_labels
        self._rng = np.random.default_rng(seed)
        self._best: dict[Labels, float] = {}
        self._best_of: dict[int, dict[Labels, float]] = {}

    def propose(self) -> np.ndarray:
        """Return labels a few moves away from a partition of the elite; random ones at first.

        Every second parent is of a number of groups drawn by lot, so that all of them are searched.
        """
        n_blocks, n_labels = self._shape
        if not self._best:
            return self._rng.integers(n_labels, size=n_blocks)
        elite = self._best
        if self._rng.random() < 0.5:
            sizes = sorted(self._best_of)
            elite = self._best_of[sizes[self._rng.integers(len(sizes))]]
        ranked = sorted(elite, key=lambda labels: -elite[labels])
        # The smaller of two draws: the better half of the elite starts three moves in four.
        parent = ranked[int(self._rng.integers(len(ranked), size=2).min())]
        labels = np.array(parent)
        for _ in range(int(self._rng.geometric(0.5))):
            labels = self._moved(labels)
        return labels

    def learn(self, labels: Labels, value: float) -> None:
        """Keep the partition if it is among the best."""
        _keep(self._best, labels, value, ELITE)
        _keep(self._best_of.setdefault(len(set(labels)), {}), labels, value, ELITE // 4)

    def _moved(self, labels: np.ndarray) -> np.ndarray:
        n_labels = self._shape[1]
        kind = self._rng.random()
        if kind < 0.6:
            labels[self._rng.integers(len(labels))] = self._rng.integers(n_labels)
        elif kind < 0.8:
            one, other = self._rng.integers(len(labels), size=2)
            labels[one], labels[other] = labels[other], labels[one]
        elif kind < 0.9:
            one, other = self._rng.integers(n_labels, size=2)
            labels[labels == one] = other
        else:
            one, other = self._rng.integers(n_labels, size=2)
            labels[(labels == one) & (self._rng.random(len(labels)) < 0.5)] = other
        return labels


def _keep(elite: dict[Labels, float], labels: Labels, value: float, size: int) -> None:
    elite[labels] = value
    if len(elite) > size:
        del elite[min(elite, key=lambda kept: elite[kept])]
