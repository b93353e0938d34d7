"""How fast the machine can move what a fit must move, and how much of that the engine reaches."""

import time
from collections.abc import Callable

import numpy as np
from numba import njit

from cotrain.allocation import all_together, rotations
from cotrain.tasks import TaskTable
from cotrain.training._problem import Problem
from cotrain.training.network import NetworkSettings, _kernels
from cotrain.training.network._compiled import CompiledEngine, _Training, side_by_side
from cotrain.training.network._compiled_pass import _batch_rows
from cotrain.training.network._simd import load, spread, store


@njit(nogil=True)
def _read(array, times, out):
    """Sum a array over and over, in registers."""
    acc = load(array, np.intp(0), 64)
    for _ in range(times):
        for at in range(0, array.size, 64):
            acc = acc + load(array, at, 64)
    store(out, np.intp(0), acc)


@njit(nogil=True)
def _read_and_write(a, b, c):
    """Read and write three arrays, as Adam does, with next to no arithmetic."""
    for at in range(0, a.size, 64):
        x, y, z = load(a, at, 64), load(b, at, 64), load(c, at, 64)
        half = spread(0.5, x)
        store(a, at, x * half)
        store(b, at, y * half)
        store(c, at, z * half)


def _best(work: Callable[[], object], times: int = 30) -> float:
    work()
    seconds = []
    for _ in range(times):
        start = time.thread_time()
        work()
        seconds.append(time.thread_time() - start)
    return min(seconds)


def ceiling(table: TaskTable, model: NetworkSettings) -> None:
    """Bytes of an epoch of the all-together fit over the rates measured here, one core."""
    n_units = model.hidden[0]
    # What a block of 64 columns takes.
    [block] = side_by_side([table.n_features * 64], np.dtype(np.float32))
    out = np.zeros(64, np.float32)
    near = 20 * block.nbytes / _best(lambda: _read(block, 20, out))
    weights = side_by_side([table.n_features * n_units] * 3, block.dtype)
    far = 6 * weights[0].nbytes / _best(lambda: _read_and_write(*weights))
    fit = all_together(table.n_tasks, 8, rotations(10, 8, 1, 1, 0))[0]
    train = Problem.of(table, fit).train
    entries = table.features[train.rows].nnz
    steps = -(-train.rows.size // model.batch_size(train.rows.size))
    gathered = 2 * entries * n_units * 4
    moved = steps * weights[0].nbytes * 6
    least = gathered / near + moved / far
    engine = CompiledEngine()
    one, many = (model.model_copy(update={"epochs": n}) for n in (1, 1 + model.epochs))
    difference = _best(lambda: engine.train(table, [fit], many), 3)
    difference -= _best(lambda: engine.train(table, [fit], one), 3)
    epoch = difference / model.epochs
    print("\n## Against the machine (one core, processor seconds, all-together fit)\n")
    print("| quantity | figure |\n|---|---|")
    print(f"| reading {block.nbytes / 1e6:.1f} MB again and again | {near / 1e9:.0f} GB/s |")
    print(f"| reading and writing {3 * weights[0].nbytes / 1e6:.1f} MB | {far / 1e9:.0f} GB/s |")
    print(f"| gathered in an epoch, forward and backward | {gathered / 1e9:.2f} GB |")
    print(f"| moved by Adam in an epoch of {steps} steps | {moved / 1e9:.2f} GB |")
    print(f"| additions in an epoch | {gathered / 4e9:.2f} G |")
    print(f"| least time of an epoch | {least:.3f} s |")
    print(f"| measured time of an epoch | {epoch:.3f} s |")
    print(f"| fraction of the ceiling | {least / epoch:.2f} |", flush=True)


def kernels(table: TaskTable, n_rows: int, n_units: int = 400) -> None:
    """Milliseconds of each pass over one batch, alone."""
    rng = np.random.default_rng(0)
    fit = all_together(table.n_tasks, 8, rotations(10, 8, 1, 1, 0))[0]
    model = NetworkSettings(hidden=[n_units])
    training = _Training.of(table, fit, model, np.float32, for_scores=True)
    train, state = training.problem.train, training.network.first
    n_features = training.features.size
    batch = rng.choice(train.rows.size, n_rows, replace=False)
    rows = _batch_rows(training._rows(train), batch)
    sizes = [*[n_rows * n_units] * 2, n_units]
    hidden, delta, bias = side_by_side(sizes, state.weight.dtype)
    delta[:] = 1
    step = _kernels.Step(0.9, 0.999, 1e-8, 1e-3, 1.0, 1.0)
    columns = _kernels.transpose(rows, n_features)
    nothing = columns._replace(end=columns.begin)
    every, key = np.arange(n_features), np.uint64(1)

    def update(entries: _kernels.Sparse) -> None:
        _kernels.update(n_units, every, entries, delta, n_rows, state, n_features, step)

    passes: dict[str, Callable[[], object]] = {
        "gather, forward": lambda: _kernels.gather(
            n_units, rows, state.weight, n_features, bias, hidden
        ),
        "ReLU and dropout": lambda: _kernels.activate(n_units, hidden, batch, key, 0.2),
        "mask, backward": lambda: _kernels.mask(delta, hidden, np.float32(1.25)),
        "transpose the batch": lambda: _kernels.transpose(rows, n_features),
        "gradient and Adam": lambda: update(columns),
        "Adam alone": lambda: update(nothing),
    }
    print(f"\n## Passes over one batch of {n_rows} rows, {n_units} units, ms on one core\n")
    print("| pass | ms |\n|---|---|")
    for name, work in passes.items():
        print(f"| {name} | {1e3 * _best(work):.3f} |", flush=True)
