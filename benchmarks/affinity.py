"""What recording affinities costs.

    OMP_NUM_THREADS=1 python benchmarks/affinity.py

Processor seconds of one thread, so that a busy machine distorts little. Made data in the shapes of
MoleculeACE (30 tasks) and of KIBA244, with tasks left out or added in between.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from cotrain.affinity import AffinityRecorder, masked_mean, record_affinity
from cotrain.allocation import Fit, all_together, rotations
from cotrain.settings import ModelSettings
from cotrain.tasks import TaskTable

N_FEATURES, N_SET, N_FOLDS = 2048, 50, 10
EVERY = 10
# Name, rows trained on, tasks, labels a row, hidden layers.
SHAPES = (
    ("MoleculeACE, 2 folds", 7000, 30, 1.4, [256]),
    ("MoleculeACE, 2 folds, two layers", 7000, 30, 1.4, [256, 256]),
    ("MoleculeACE, all rows", 35000, 30, 1.4, [256]),
    ("30 tasks, every label known", 7000, 30, 30.0, [256]),
    ("61 tasks", 13000, 61, 1.2, [256]),
    ("122 tasks", 13000, 122, 2.4, [256]),
    ("KIBA244, 3 folds", 13000, 244, 4.8, [256]),
)


def settings(hidden: list[int]) -> ModelSettings:
    return ModelSettings(
        engine="torch",
        combination="sum",
        hidden=hidden,
        dropout=0.2,
        epochs=2,
        batch_fraction=0.02,
        min_batch_size=16,
        learning_rate=1e-3,
        decay_epochs=[10],
        decay_factor=0.3,
        weight_decay=0.0,
        patience=0,
    )


def made_table(n_rows: int, n_tasks: int, labels_a_row: float) -> TaskTable:
    """Some bits are common and most are rare, as in fingerprints; labels are coins."""
    rng = np.random.default_rng(0)
    rarity = np.arange(1, N_FEATURES + 1) ** 0.8
    indices = np.empty((n_rows, N_SET), np.int32)
    for row in indices:
        # The N_SET first arrivals, a feature's rate being its popularity.
        row[:] = np.sort(np.argpartition(rng.exponential(rarity), N_SET)[:N_SET])
    known = rng.random((n_rows, n_tasks)) < (labels_a_row - 1) / max(n_tasks - 1, 1)
    known[np.arange(n_rows), rng.integers(n_tasks, size=n_rows)] = True
    task = np.nonzero(known)[1].astype(np.int32)
    return TaskTable(
        features=csr_array(
            (
                np.ones(indices.size, np.float32),
                indices.ravel(),
                np.arange(0, indices.size + 1, N_SET),
            ),
            shape=(n_rows, N_FEATURES),
        ),
        labels=csr_array(
            (
                (rng.random(task.size) < 0.5).astype(np.float32),
                task,
                np.append(0, known.sum(axis=1).cumsum()),
            ),
            shape=known.shape,
        ),
        # Rows of folds 8 and 9 are few, for only what is trained on matters here.
        folds=np.append(np.arange(n_rows - 20) % 8, np.arange(20) % 2 + 8),
        tasks=tuple(f"task {task}" for task in range(n_tasks)),
        kinds=("binary",) * n_tasks,
        examples=tuple(map(str, range(n_rows))),
        n_folds=N_FOLDS,
    )


def together(n_tasks: int) -> Fit:
    return all_together(n_tasks, 8, rotations(N_FOLDS, 8, 1, 1, seed=0))[0]


def platform_row(name: str, n_rows: int, n_tasks: int, labels: float, hidden: list[int]) -> dict:
    table = made_table(n_rows, n_tasks, labels)
    record = min(
        (
            record_affinity(table, together(n_tasks), settings(hidden), every=EVERY)
            for _ in range(2)
        ),
        key=lambda record: record.seconds + record.record_seconds,
    )
    n_records = len(record.steps)
    n_steps = 2 * -(-n_rows // round(0.02 * n_rows))
    return {
        "shape": name,
        "tasks": n_tasks,
        "rows a batch": round(0.02 * n_rows),
        "labels a batch": round(0.02 * table.labels.nnz),
        "ms a step": f"{1e3 * record.seconds / n_steps:.1f}",
        "ms a record": f"{1e3 * record.record_seconds / n_records:.1f}",
        "time, n = 10": f"{1 + record.record_seconds / record.seconds:.2f}",
        "GFLOP a step": f"{record.flops / n_steps / 1e9:.3f}",
        "GFLOP a record": f"{record.record_flops / n_records / 1e9:.3f}",
        "GFLOP, n = 10": f"{1 + record.record_flops / record.flops:.2f}",
    }


class Dense(nn.Module):
    """A torch module like any other: dense inputs, one hidden layer or a small stack."""

    def __init__(self, widths: list[int], n_tasks: int) -> None:
        super().__init__()
        layers = []
        for n_inputs, n_units in pairwise(widths):
            layers += [nn.Linear(n_inputs, n_units), nn.ReLU()]
        self.trunk = nn.Sequential(*layers)
        self.heads = nn.Linear(widths[-1], n_tasks)

    def losses(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        x, y, is_known = batch
        logits = self.heads(self.trunk(x))
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
        return masked_mean(loss, is_known)


def recorder_row(name: str, widths: list[int], n_tasks: int, n_rows: int) -> dict:
    torch.manual_seed(0)
    model = Dense(widths, n_tasks)
    x = (torch.rand(n_rows, widths[0]) < 0.025).float()
    y = (torch.rand(n_rows, n_tasks) < 0.5).float()
    batch = (x, y, torch.rand(n_rows, n_tasks) < 0.3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        model.losses(batch).nanmean().backward()
        optimizer.step()

    row: dict[str, Any] = {"model": name, "tasks": n_tasks, "ms a step": f"{1e3 * best(step):.1f}"}
    for label, chunk_size in (("one by one", 1), ("batched", None)):
        recorder = AffinityRecorder(
            model,
            model.losses,
            model.trunk.parameters(),
            lr=1e-3,
            every=1,
            chunk_size=chunk_size,
        )
        row[f"ms a record, {label}"] = f"{1e3 * best(lambda r=recorder: r.step(batch)):.1f}"
    return row


def best(run: Callable[[], object], n_times: int = 7) -> float:
    """Least processor seconds of a run."""
    seconds = []
    for _ in range(n_times):
        start = time.thread_time()
        run()
        seconds.append(time.thread_time() - start)
    return min(seconds)


def main() -> None:
    torch.set_num_threads(1)
    print("The platform's network, closed form: `record_affinity`\n")
    print(pd.DataFrame([platform_row(*shape) for shape in SHAPES]).to_markdown(index=False))
    print("\nAny torch module: `AffinityRecorder`\n")
    rows = [
        recorder_row("20 → 32 → 32", [20, 32, 32], 10, 64),
        recorder_row("20 → 32 → 32", [20, 32, 32], 40, 64),
        recorder_row("256 → 128 → 128", [256, 128, 128], 10, 128),
        recorder_row("256 → 128 → 128", [256, 128, 128], 40, 128),
        recorder_row("2048 → 256", [2048, 256], 30, 140),
    ]
    print(pd.DataFrame(rows).to_markdown(index=False))


if __name__ == "__main__":
    main()
