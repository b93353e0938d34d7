"""One thread for numerical libraries: more would take sums in another order."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController, threadpool_limits

_lock = threading.Lock()
_inside = 0
_limits: list[threadpool_limits] = []


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS and OpenMP with one thread, until the last of all that are inside has left."""
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _limits.append(ThreadpoolController().limit(limits=1, user_api="blas"))
    try:
        # OpenMP keeps the number for each calling thread by itself.
        with threadpool_limits(1, user_api="openmp"):
            yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limits.pop().restore_original_limits()
