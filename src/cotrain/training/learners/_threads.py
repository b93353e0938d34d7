"""One thread for numerical libraries: more would take sums in another order."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController, threadpool_limits

_lock = threading.Lock()
_inside = 0
_limits: list[threadpool_limits] = []


@lru_cache(maxsize=1)
def _controller(_n_modules: int) -> ThreadpoolController:
    """The libraries that are loaded; looking for them takes milliseconds, so only after imports."""
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS and OpenMP with one thread, until the last of all that are inside has left."""
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _limits.append(_controller(len(sys.modules)).limit(limits=1, user_api="blas"))
    try:
        # OpenMP keeps the number for each calling thread by itself.
        with _controller(len(sys.modules)).limit(limits=1, user_api="openmp"):
            yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limits.pop().restore_original_limits()
