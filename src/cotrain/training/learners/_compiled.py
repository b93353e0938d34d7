"""The loops that Numba compiles; imported where they run, as Numba takes a while."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def leaf_sums(rows, roots, feature, number, left, right):  # type: ignore[no-untyped-def]
    total = np.zeros(rows.shape[0])
    for row in range(rows.shape[0]):
        for root in roots:
            node = root
            while feature[node] >= 0:
                below = rows[row, feature[node]] <= number[node]
                node = left[node] if below else right[node]
            total[row] += number[node]
    return total


@njit(cache=True, nogil=True)
def min_max(left, right, bag, total):  # type: ignore[no-untyped-def]
    """Add sum of minima over sum of maxima of each pair of rows; 1 of two empty rows."""
    start, index, value = right
    size = np.empty(start.size - 1, np.float32)
    for j in range(size.size):
        size[j] = value[start[j] : start[j + 1]].sum()
    for i in range(left[0].size - 1):
        own = np.float32(0)
        for k in range(left[0][i], left[0][i + 1]):
            bag[left[1][k]] = left[2][k]
            own += left[2][k]
        for j in range(size.size):
            least = np.float32(0)
            for k in range(start[j], start[j + 1]):
                least += min(value[k], bag[index[k]])
            most = own + size[j] - least
            total[i, j] += least / most if most > 0 else np.float32(1)
        for k in range(left[0][i], left[0][i + 1]):
            bag[left[1][k]] = 0
