"""Every group of up to about twenty tasks, scored once: works for a value of any form."""

import numpy as np

from cotrain.grouping.proof._columns import Priced
from cotrain.grouping.value import Floats, Objective

CHUNK = 1 << 15


class AllGroups:
    """An oracle that holds every allowed group with its scores.

    Memory: 9 bytes a task and group; 20 tasks make 190 MB.
    """

    shares: tuple[float, ...] = (0.5,)  # a look at all groups is dear, and complete

    def __init__(self, objective: Objective) -> None:
        blocks = objective.blocks
        parts = []
        for first in range(1, 1 << len(blocks), CHUNK):
            codes = np.arange(first, min(first + CHUNK, 1 << len(blocks)))
            chosen = (codes[:, None] >> np.arange(len(blocks)) & 1).astype(bool)
            members = chosen @ blocks
            members = members[objective.constraints.allows(members)]
            parts.append((members, objective.weighted(members)))
        self.members = np.concatenate([members for members, _ in parts])
        self.scores = np.concatenate([scores for _, scores in parts])
        self.costs = objective.constraints.costs(self.members)

    def quick(self, prices: Floats, cost_price: float, limit: int) -> Priced:
        """Return what `best` returns: looking at all groups is quick."""
        return self.best(prices, cost_price, 0.0, limit, thorough=True)

    def best(
        self, prices: Floats, cost_price: float, above: float, limit: int, *, thorough: bool
    ) -> Priced:
        del thorough  # every group is looked at in any case
        surplus = self._surplus(prices, cost_price)
        limit = min(limit, len(surplus))
        rows = np.argpartition(-surplus, limit - 1)[:limit]
        return self._priced(rows[surplus[rows] > above], surplus, float(surplus.max()))

    def all_above(self, prices: Floats, cost_price: float, above: float, limit: int) -> Priced:
        surplus = self._surplus(prices, cost_price)
        rows = np.flatnonzero(surplus >= above)
        if len(rows) > limit:
            return self._priced(rows[:0], surplus, np.inf)
        return self._priced(rows, surplus, float(surplus.max()))

    def _surplus(self, prices: Floats, cost_price: float) -> Floats:
        surplus = np.empty(len(self.scores))
        for first in range(0, len(surplus), CHUNK):
            rows = slice(first, first + CHUNK)
            np.maximum(self.scores[rows] - prices, 0).sum(axis=1, out=surplus[rows])
        return surplus - cost_price * self.costs

    def _priced(self, rows: np.ndarray, surplus: Floats, most: float) -> Priced:
        return Priced(self.members[rows], self.scores[rows], surplus[rows], most)
