import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

import numpy as np

from cotrain.allocation import Fit
from cotrain.exceptions import CotrainError
from cotrain.lifetime import begin_worker, end_with_parent
from cotrain.settings import TrainSettings
from cotrain.tasks import TaskTable
from cotrain.training._learner import Learner
from cotrain.training._result import FitFailure, Outcome
from cotrain.training._threads import one_thread

Finished = tuple[Fit, Outcome, float]
_Call = tuple[int, Learner, TaskTable, list[Fit], np.ndarray, int]


def sweep(
    learner: Learner, table: TaskTable, fits: Sequence[Fit], train: TrainSettings
) -> Iterator[Finished]:
    """Each fit with its outcome and the seconds it took, as they finish; the longest go first.

    What is trained does not depend on `train`, the order of the fits, or what else is trained.
    Closing the iterator, as Ctrl-C does, stops the workers. CotrainError if the backend is not
    installed.
    """
    costs = learner.cost(table, fits)
    waiting = [fits[place] for place in np.argsort(-costs, kind="stable")]
    # Most workers need no examples' names, and those would be sent with every fit.
    names = table.examples if learner.trained.reads == "molecules" else ("",) * table.n_examples
    lean = replace(table, examples=names)
    lean.labels_by_cell  # noqa: B018 (found once and sent along)
    at_once = learner.fits_at_once
    chunks = [waiting[at : at + at_once] for at in range(0, len(waiting), at_once)]
    while chunks:
        done: set[int] = set()
        try:
            for place, finished in _run(learner, lean, chunks, train):
                done.add(place)
                yield from finished
            return
        except _killed():
            pass
        chunks = [chunk for place, chunk in enumerate(chunks) if place not in done]
        n_suspects = train.n_workers
        for chunk in chunks[:n_suspects]:
            yield from _alone(learner, lean, chunk)
        chunks = chunks[n_suspects:]


def sweep_learners(
    learners: Mapping[str, Learner], table: TaskTable, fits: Sequence[Fit], train: TrainSettings
) -> Iterator[Finished]:
    """As `sweep`, of fits of several learners: one after the other, as the first fits have them."""
    for name in dict.fromkeys(fit.learner for fit in fits):
        own = [fit for fit in fits if fit.learner == name]
        yield from sweep(learners[name], table, own, train)


def _run(
    learner: Learner, table: TaskTable, chunks: Sequence[list[Fit]], train: TrainSettings
) -> Iterator[tuple[int, list[Finished]]]:
    stop, own = np.zeros(1, dtype=np.bool_), os.getpid()
    calls = [(place, learner, table, chunk, stop, own) for place, chunk in enumerate(chunks)]
    if train.backend == "threading":
        yield from _in_threads(calls, train.n_workers, stop)
    else:
        yield from _in_processes(calls, train.n_workers, train.backend)


def _in_threads(
    calls: Sequence[_Call], n_workers: int, stop: np.ndarray
) -> Iterator[tuple[int, list[Finished]]]:
    pool = ThreadPoolExecutor(n_workers)
    with one_thread():
        try:
            for finished in as_completed([pool.submit(_train, *call) for call in calls]):
                yield finished.result()
        finally:
            stop[0] = True
            pool.shutdown(cancel_futures=True)


def _in_processes(
    calls: Sequence[_Call], n_workers: int, backend: str
) -> Iterator[tuple[int, list[Finished]]]:
    from joblib import Parallel, delayed, parallel_config

    if backend == "dask":
        _find_dask()
        options: dict[str, Any] = {"scatter": [calls[0][2]]}
    else:
        own = (os.getpid(),)
        options = {"initializer": begin_worker, "initargs": own, "inner_max_num_threads": 1}
    with parallel_config(backend=backend, n_jobs=n_workers, **options):
        # Copy-on-write memory maps: all processes share one copy, and the arrays stay of the one
        # type that the kernels are compiled for.
        workers = Parallel(
            return_as="generator_unordered", batch_size=1, mmap_mode="c", max_nbytes="64K"
        )
        finished = workers(delayed(_train)(*call) for call in calls)
        try:
            # `yield from` would close `finished` itself, with joblib's warning.
            for outcomes in finished:  # noqa: UP028
                yield outcomes
        finally:
            with warnings.catch_warnings():
                # Whoever stops early knows that fits under way are lost.
                warnings.simplefilter("ignore", UserWarning)
                finished.close()


def _train(
    place: int, learner: Learner, table: TaskTable, chunk: list[Fit], stop: np.ndarray, caller: int
) -> tuple[int, list[Finished]]:
    end_with_parent(caller)
    start = time.perf_counter()
    outcomes = learner.evaluate(table, chunk, stop)
    seconds = (time.perf_counter() - start) / len(chunk)
    return place, [(fit, outcome, seconds) for fit, outcome in zip(chunk, outcomes, strict=True)]


def _alone(learner: Learner, table: TaskTable, chunk: list[Fit]) -> list[Finished]:
    """Train fits that were under way when a worker was killed, each in a process of its own."""
    result: list[Finished] = []
    alone = TrainSettings(workers=2, backend="loky")  # one of the two has nothing to do
    for fit in chunk:
        try:
            for _, finished in _run(learner, table, [[fit]], alone):
                result += finished
        except _killed():
            reason = "its worker process was killed, most likely out of memory; use fewer workers"
            result.append((fit, FitFailure(reason), float("nan")))
    return result


def _killed() -> tuple[type[Exception], ...]:
    """What tells that a worker process was killed; nothing does where there are threads alone."""
    loky = sys.modules.get("joblib.externals.loky.process_executor")
    return () if loky is None else (loky.TerminatedWorkerError,)


def _find_dask() -> None:
    """See to it that there is a cluster: the caller's, or one of this machine."""
    try:
        from distributed import Client, get_client
    except ImportError as error:
        raise CotrainError(
            "`train.backend` is dask, which is not installed; run `pip install distributed`, or "
            "set it to threading"
        ) from error
    try:
        get_client()
    except ValueError:
        Client(silence_logs=logging.CRITICAL)  # what fails is told by us, in one line
