"""One thread for numerical libraries: more would take sums in another order."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _controller(_n_modules: int) -> ThreadpoolController:
    """The libraries that are loaded; looking for them takes milliseconds, so only after imports."""
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS with one thread in the whole process, and OpenMP in this thread.

    Of several threads that limit OpenBLAS the first alone is heard, until it leaves (threadpoolctl
    3.8): who starts workers limits it for them, and what they ask for changes nothing.
    """
    import scipy.linalg  # noqa: F401 (its BLAS is its own; loaded later it would not be limited)

    with _controller(len(sys.modules)).limit(limits=1):
        yield
