"""Random task tables, fits and models for the tests of training."""

import os
import resource
import signal
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from cotrain.allocation import all_together, rotations, single_tasks, subset_fit
from cotrain.tasks import TaskTable
from cotrain.training import NEVER
from cotrain.training.network import Network, NetworkSettings


def make_table(seed=0, n=300, n_features=70, n_tasks=5, real=(0,), ones=True, weights=False):
    """A random table whose first features carry the labels."""
    rng = np.random.default_rng(seed)
    features = (rng.random((n, n_features)) < 0.1).astype(np.float32)
    if not ones:
        features *= rng.normal(1, 0.5, features.shape).astype(np.float32)
    signal = 3 * features[:, :8].sum(axis=1)[:, None] + rng.normal(size=(n, n_tasks))
    known = rng.random((n, n_tasks)) < 0.5
    labels = (signal > np.median(signal)).astype(np.float32)
    for task in real:
        labels[:, task] = 5 + 2 * signal[:, task]
    row, task = np.nonzero(known)
    start = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    return TaskTable(
        features=csr_array(features),
        labels=csr_array((labels[row, task], task.astype(np.int32), start), shape=known.shape),
        folds=rng.integers(0, 5, n),
        tasks=tuple(f"task{task}" for task in range(n_tasks)),
        kinds=tuple("real" if task in real else "binary" for task in range(n_tasks)),
        examples=tuple(map(str, range(n))),
        n_folds=5,
        example_weights=rng.uniform(0.5, 2, n) if weights else None,
    )


def make_model(**changes):
    values = {
        "engine": "compiled",
        "hidden": [20],
        "dropout": 0.2,
        "epochs": 3,
        "batch_fraction": 0.1,
        "min_batch_size": 16,
        "learning_rate": 3e-3,
        "decay_epochs": [2],
        "decay_factor": 0.3,
        "weight_decay": 0.0,
        "patience": 0,
    }
    return NetworkSettings(**(values | changes))


def make_fits(n_tasks=5, seed=0):
    """One fit of all tasks, each task alone, and one of two tasks."""
    rotation = rotations(5, 3, 1, 1, seed)[0]
    return [
        *all_together(n_tasks, 2, [rotation]),
        *single_tasks(n_tasks, 2, [rotation]),
        subset_fit(n_tasks, [0, 3], 3, rotation),
    ]


class Saboteur(Network):
    """A network that dies at the fit of task 2."""

    def evaluate(self, table, fits, stop=NEVER):
        if fits[0].members == (2,):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().evaluate(table, fits, stop)


class Hungry(Network):
    """A network to which the system gives no more memory at the fit of task 2."""

    def evaluate(self, table, fits, stop=NEVER):
        if fits[0].members != (2,):
            return super().evaluate(table, fits, stop)
        n_pages = int(Path("/proc/self/statm").read_text().split()[0])
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (n_pages * resource.getpagesize() + 2**20, hard))
        try:
            return Network(make_model(hidden=[10**6])).evaluate(table, fits, stop)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class LongAfterwards(Network):
    """A network that trains the fits of seeds 0 to 3 as told, and others for hours."""

    fits_at_once = 1

    def evaluate(self, table, fits, stop=NEVER):
        if fits[0].seed < 4:
            return super().evaluate(table, fits, stop)
        long = self.settings.model_copy(update={"epochs": 10**7})
        return Network(long).evaluate(table, fits, stop)
