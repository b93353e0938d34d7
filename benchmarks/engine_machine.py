"""How fast the machine can move what a fit must move, and how much of that the engine reaches."""

import time
from collections.abc import Callable

import numpy as np
from numba import njit

from cotrain.allocation import all_together, rotations
from cotrain.settings import ModelSettings
from cotrain.tasks import TaskTable
from cotrain.training._compiled import CompiledEngine
from cotrain.training._problem import Problem
from cotrain.training._schedule import batch_size
from cotrain.training._simd import load, spread, store


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


def ceiling(table: TaskTable, model: ModelSettings) -> None:
    """Bytes of an epoch of the all-together fit over the rates measured here, one core."""
    n_units = model.hidden[0]
    block = np.ones(table.n_features * 64, np.float32)  # what a block of 64 columns takes
    out = np.zeros(64, np.float32)
    near = 20 * block.nbytes / _best(lambda: _read(block, 20, out))
    weights = [np.ones(table.n_features * n_units, np.float32) for _ in range(3)]
    far = 6 * weights[0].nbytes / _best(lambda: _read_and_write(*weights))
    fit = all_together(table.n_tasks, 8, rotations(10, 8, 1, 1, 0))[0]
    train = Problem.of(table, fit).train
    entries = table.features[train.rows].nnz
    steps = -(-train.rows.size // batch_size(model, train.rows.size))
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
