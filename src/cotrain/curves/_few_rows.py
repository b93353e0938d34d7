"""Counts that differ from few rows in few columns, as those of augmentations do from a level's."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array

# Columns in which a row may differ from its base: two, so that single tasks share one as well.
_FEW = 2


@dataclass(frozen=True, eq=False)
class FewRows:
    """A matrix (n, K) as `base[which] + rest`, whose products cost what the bases do.

    With K augmentations a level, thousands of rows have dozens of bases, and the curvature of a
    target's fit, x' W x for new weights in every iteration, takes a small part of the time.
    """

    base: np.ndarray  # (m, K)
    which: np.ndarray  # (n,) of int: the base of each row
    rest: csr_array  # (n, K)

    @classmethod
    def of(cls, x: np.ndarray) -> Self:
        """The rows of `x`, the earliest that is near enough to one being its base."""
        base = np.empty_like(x)
        which = np.empty(len(x), dtype=np.intp)
        m = 0
        for row, values in enumerate(x):
            near = np.flatnonzero((base[:m] != values).sum(axis=1) <= _FEW)
            if not near.size:
                base[m] = values
                m += 1
            which[row] = near[0] if near.size else m - 1
        return cls(base[:m].copy(), which, csr_array(x - base[which]))

    def take(self, chosen: np.ndarray) -> Self:
        """Only the rows of a mask, and their bases."""
        used, which = np.unique(self.which[chosen], return_inverse=True)
        return type(self)(self.base[used], which, self.rest[np.flatnonzero(chosen)])

    def dot(self, vector: np.ndarray) -> np.ndarray:
        """The products of the rows with a vector (K,), (n,)."""
        return np.asarray((self.base @ vector)[self.which] + self.rest @ vector)

    def transposed_dot(self, columns: np.ndarray) -> np.ndarray:
        """The products x' A with columns A (n, q), (K, q)."""
        return np.asarray(self.base.T @ (self._gather(len(self.which)) @ columns)) + (
            self.rest.T @ columns
        )

    def gram(self, weight: np.ndarray) -> np.ndarray:
        """The products x' W x with weights (n,) of the rows, (K, K)."""
        gather = self._gather(len(self.which), weight)
        total = np.bincount(self.which, weight, minlength=len(self.base))
        half = self.base * (total / 2)[:, None] + (gather @ self.rest).toarray()
        result = self.base.T @ half
        result += result.T.copy()
        own = self.rest.multiply(weight[:, None]).tocsr()
        within = (self.rest.T @ own).tocoo()
        np.add.at(result, (within.row, within.col), within.data)
        return result

    def _gather(self, n: int, weight: np.ndarray | None = None) -> csr_array:
        """The sum over the rows of each base, (m, n)."""
        values = np.ones(n) if weight is None else weight
        return csr_array((values, (self.which, np.arange(n))), shape=(len(self.base), n))
