"""Imports that take no longer than they must."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_ONE_THREAD = RLock()


@contextmanager
def importing() -> Iterator[None]:
    """Imports inside are not searched for garbage.

    They make objects by the hundred thousand that all stay, and looking takes a sixth of their
    time. One thread at a time: two that import parts of one package may meet a module half made.
    """
    with _ONE_THREAD:
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
