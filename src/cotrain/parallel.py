"""A function over many items on all cores, in order."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from cotrain.lifetime import begin_worker
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
    # A tenth of a second, which few commands need.
    from joblib import Parallel, delayed, parallel_config

    chunk = chunk or CHUNK
    chunks = [items[start : start + chunk] for start in range(0, len(items), chunk)]
    n_jobs = 1 if len(chunks) < SERIAL_BELOW else -1
    begin = {"initializer": begin_worker, "initargs": (os.getpid(),)} if n_jobs != 1 else {}
    with parallel_config("loky", n_jobs=n_jobs, **begin), Progress(description, len(chunks)) as bar:
        done = []
        for result in Parallel(return_as="generator")(delayed(function)(part) for part in chunks):
            done.append(result)
            bar.add()
        return done
