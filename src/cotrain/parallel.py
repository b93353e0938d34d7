"""A function over many items on all cores, in order."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from cotrain.lifetime import end_with_parent
from cotrain.progress import Progress

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 500
# Below this many chunks, starting processes costs more than it saves.
SERIAL_BELOW = 10


def map_chunks(
    function: Callable[[Sequence[T]], R],
    items: Sequence[T],
    description: str,
    chunk: int | None = None,
) -> list[R]:
    """Return `function` of each chunk of `items`, in order, whatever the number of cores.

    A chunk should take some tenths of a second. The work runs in processes, because RDKit holds
    the interpreter's lock.
    """
    from joblib import Parallel, delayed  # a tenth of a second, which few commands need

    chunk = chunk or CHUNK
    chunks = [items[start : start + chunk] for start in range(0, len(items), chunk)]
    workers = Parallel(n_jobs=1 if len(chunks) < SERIAL_BELOW else -1, return_as="generator")
    results = workers(delayed(_in_worker)(function, part, os.getpid()) for part in chunks)
    with Progress(description, len(chunks)) as progress:
        done = []
        for result in results:
            done.append(result)
            progress.add()
        return done


def _in_worker(function: Callable[[Sequence[T]], R], chunk: Sequence[T], caller: int) -> R:
    end_with_parent(caller)
    return function(chunk)
