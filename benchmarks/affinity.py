"""What recording affinities costs.

    OMP_NUM_THREADS=1 python benchmarks/affinity.py STUDY...

Every STUDY is a folder in which `cotrain prepare` has run: its task table and model settings are
those measured. Of a study with more than 100 tasks, parts are measured too, so that the growth
shows. Processor seconds of one thread.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from cotrain.allocation import Fit, subset_fit
from cotrain.gradients import AffinityRecorder, masked_mean, record_affinity
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable
from cotrain.training._problem import Problem
from cotrain.training.network import NetworkSettings

EVERY = 10


def platform_rows(study: Study) -> Iterator[dict]:
    """A row for each share of the tasks and each network."""
    table, settings = TaskTable.load(study.table), study.settings
    model = settings.learner
    (repeat,) = study_repeats(settings, 1, settings.plan.seed)
    order = np.random.default_rng(0).permutation(table.n_tasks)
    shares = (1 / 8, 1 / 4, 1 / 2, 1) if table.n_tasks > 100 else (1,)
    for share in shares:
        members = order[: round(share * table.n_tasks)]
        fit = subset_fit(table.n_tasks, map(int, members), settings.plan.subset_level, repeat)
        for hidden in (model.hidden, [256, 256]) if share == 1 else (model.hidden,):
            name = f"{study.folder.name}, {' and '.join(map(str, hidden))} units"
            yield {
                "study": name,
                **platform_row(table, fit, model.model_copy(update={"hidden": hidden})),
            }


def platform_row(table: TaskTable, fit: Fit, model: NetworkSettings) -> dict:
    record = min(
        (record_affinity(table, fit, model, every=EVERY) for _ in range(2)),
        key=lambda record: record.seconds + record.record_seconds,
    )
    train = Problem.of(table, fit).train
    n_rows, batch = train.rows.size, model.batch_size(train.rows.size)
    n_steps, n_records = model.epochs * -(-n_rows // batch), len(record.steps)
    return {
        "tasks": len(fit.members),
        "rows a batch": batch,
        "labels a batch": round(batch * train.member.size / n_rows),
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", type=Path, nargs="*", metavar="STUDY")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for folder in arguments.studies for row in platform_rows(Study(folder))]
    if rows:
        print("The platform's network, closed form: `record_affinity`\n")
        print(pd.DataFrame(rows).to_markdown(index=False))
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
