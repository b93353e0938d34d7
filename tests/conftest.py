import os

# As the command line does, before NumPy is loaded: in-process runs are held against real ones.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from scipy.sparse import csr_array

from cotrain.tasks import TaskTable


def make_table(
    n_examples: int = 120, n_tasks: int = 4, n_folds: int = 6, seed: int = 0
) -> TaskTable:
    """A small binary table whose labels follow the features, with gaps."""
    rng = np.random.default_rng(seed)
    features = (rng.random((n_examples, 24)) < 0.2).astype(np.float32)
    weights = rng.normal(size=(24, n_tasks))
    known = rng.random((n_examples, n_tasks)) < 0.6
    active = features @ weights > np.median(features @ weights, axis=0)
    rows, columns = np.nonzero(known)
    labels = csr_array(
        (active[rows, columns].astype(np.float32), (rows, columns)), shape=(n_examples, n_tasks)
    )
    return TaskTable(
        features=csr_array(features),
        labels=labels,
        folds=np.arange(n_examples) % n_folds,
        tasks=tuple(f"task {chr(97 + task)}" for task in range(n_tasks)),
        kinds=("binary",) * n_tasks,
        examples=tuple(f"example {row}" for row in range(n_examples)),
        n_folds=n_folds,
    )


@pytest.fixture
def table() -> TaskTable:
    return make_table()
