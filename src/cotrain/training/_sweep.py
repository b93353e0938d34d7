import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import joblib
import numpy as np
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from cotrain.allocation import Fit
from cotrain.exceptions import CotrainError
from cotrain.settings import ModelSettings, TrainSettings
from cotrain.tasks import TaskTable
from cotrain.training._cost import estimate_seconds
from cotrain.training._protocol import Engine, FitFailure, Outcome

Finished = tuple[Fit, Outcome, float]


def sweep(
    engine: Engine,
    table: TaskTable,
    fits: Sequence[Fit],
    model: ModelSettings,
    train: TrainSettings,
) -> Iterator[Finished]:
    """Each fit with its outcome and the seconds it took, as they finish; the longest go first.

    What is trained does not depend on `train`, the order of the fits, or what else is trained.
    Closing the iterator, as Ctrl-C does, stops the workers.

    Raises
    ------
    CotrainError
        If the backend is not installed or not running.
    """
    costs = estimate_seconds(table, fits, model)
    waiting = [fits[place] for place in np.argsort(-costs, kind="stable")]
    # Workers need no examples' names, and those would be sent with every fit.
    lean = replace(table, examples=("",) * table.n_examples)
    at_once = engine.fits_at_once
    chunks = [waiting[at : at + at_once] for at in range(0, len(waiting), at_once)]
    while chunks:
        done: set[int] = set()
        try:
            for place, finished in _run(engine, lean, chunks, model, train):
                done.add(place)
                yield from finished
            return
        except TerminatedWorkerError:
            pass
        chunks = [chunk for place, chunk in enumerate(chunks) if place not in done]
        n_suspects = _n_workers(train)
        for chunk in chunks[:n_suspects]:
            yield from _alone(engine, lean, chunk, model)
        chunks = chunks[n_suspects:]


def _run(
    engine: Engine,
    table: TaskTable,
    chunks: Sequence[list[Fit]],
    model: ModelSettings,
    train: TrainSettings,
) -> Iterator[tuple[int, list[Finished]]]:
    _prepare(train.backend)
    options: dict[str, Any] = {}
    if train.backend == "dask":
        options["scatter"] = [table]
    if train.backend == "loky":
        options["inner_max_num_threads"] = 1
    with parallel_config(backend=train.backend, n_jobs=_n_workers(train), **options):
        # Copy-on-write memory maps: all processes share one copy, and the arrays stay of the one
        # type that the kernels are compiled for.
        workers = Parallel(
            return_as="generator_unordered", batch_size=1, mmap_mode="c", max_nbytes="64K"
        )
        finished = workers(
            delayed(_train)(place, engine, table, chunk, model)
            for place, chunk in enumerate(chunks)
        )
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
    place: int, engine: Engine, table: TaskTable, chunk: list[Fit], model: ModelSettings
) -> tuple[int, list[Finished]]:
    start = time.perf_counter()
    outcomes = engine.train(table, chunk, model)
    seconds = (time.perf_counter() - start) / len(chunk)
    return place, [(fit, outcome, seconds) for fit, outcome in zip(chunk, outcomes, strict=True)]


def _alone(
    engine: Engine, table: TaskTable, chunk: list[Fit], model: ModelSettings
) -> list[Finished]:
    """Train fits that were under way when a worker was killed, each in a process of its own."""
    result: list[Finished] = []
    alone = TrainSettings(workers=2, backend="loky")  # one of the two has nothing to do
    for fit in chunk:
        try:
            for _, finished in _run(engine, table, [[fit]], model, alone):
                result += finished
        except TerminatedWorkerError:
            reason = "its worker process was killed, most likely out of memory; use fewer workers"
            result.append((fit, FitFailure(reason), float("nan")))
    return result


def _n_workers(train: TrainSettings) -> int:
    return int(train.workers or joblib.cpu_count())


def _prepare(backend: str) -> None:
    try:
        if backend == "ray":
            from ray.util.joblib import register_ray

            register_ray()
        elif backend == "dask":
            from distributed import Client, get_client

            try:
                get_client()
            except ValueError:
                Client()
    except ImportError as error:
        package = {"ray": "ray", "dask": "distributed"}[backend]
        raise CotrainError(
            f"`train.backend` is {backend}, which is not installed; run `pip install {package}`, "
            f"or set it to threading"
        ) from error
