from collections.abc import Sequence
from itertools import accumulate

import numpy as np

_HUGE_PAGE = 1 << 21
# From this size on NumPy asks Linux for huge pages.
_NUMPY_ASKS = 1 << 22


def side_by_side(sizes: Sequence[int], dtype: np.dtype) -> list[np.ndarray]:
    """Arrays of zeros with so many entries, cut from one allocation in huge pages.

    Gathered rows lie all over a matrix: with pages of 4 kB half of the time goes into translating
    their addresses, and with arrays that begin between two cache lines each vector is read twice.
    """
    per_line = 64 // dtype.itemsize
    rounded = [-(-size // per_line) * per_line for size in sizes]
    n_bytes = max(sum(rounded) * dtype.itemsize + _HUGE_PAGE, _NUMPY_ASKS)
    raw = np.zeros(n_bytes, dtype=np.uint8)
    skip = -raw.ctypes.data % _HUGE_PAGE
    whole = raw[skip : skip + sum(rounded) * dtype.itemsize].view(dtype)
    starts = accumulate(rounded, initial=0)
    return [whole[start : start + size] for start, size in zip(starts, sizes, strict=False)]
