"""What tracking costs: milliseconds a run to log and to read back, by the number of tasks.

    python benchmarks/tracking.py [--runs 1000] [--client-runs 50] [--read-runs 10000]

The bulk way goes to a new SQLite file in a temporary folder; the client's way, which servers get,
to the same kind of file.
"""

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd

from cotrain.tracking import RunContext, Tracker
from cotrain.tracking._store import Store

SCORES = ("log_loss", "auroc", "aupr", "mse", "r2", "pearson", "spearman")
CONTEXT = RunContext("d" * 32, "c" * 40, {f"model.setting_{i}": i for i in range(20)})


def fit_table(n_fits: int, n_tasks: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n_rows = n_fits * n_tasks
    fit_ids = [f"{seed:08x}{fit:024x}" for fit in range(n_fits)]
    table = {
        "fit_id": np.repeat(fit_ids, n_tasks),
        "plan": "subsets",
        "kind": "together",
        "learner": "network/group",
        "repeat": 0,
        "seed": 0,
        "evaluation_folds": "validation 3 4 5 6, test 7 8 9",
        "members": f"{(1 << n_tasks) - 1:x}",
        "level": 2,
        "auxiliary": None,
        "task_weights": None,
        "task": np.tile([f"CHEMBL{task}" for task in range(n_tasks)], n_fits),
        "n_labels": rng.integers(10, 500, n_rows),
    }
    for part in ("val", "test"):
        for score in SCORES:
            known = score in ("log_loss", "auroc", "aupr")
            table[f"{part}_{score}"] = rng.random(n_rows) if known else np.nan
    return pd.DataFrame(table)


def seconds(call: Callable[..., object], *arguments: object) -> np.ndarray:
    """Elapsed and CPU seconds of a call."""
    start = np.array([time.perf_counter(), time.process_time()])
    call(*arguments)
    return np.array([time.perf_counter(), time.process_time()]) - start


def shown(figures: np.ndarray, digits: int) -> str:
    return " / ".join(f"{figure:.{digits}f}" for figure in figures)


def log_parts(tracker: Tracker, parts: list[pd.DataFrame]) -> None:
    for part in parts:
        tracker.log_fits(part, CONTEXT)


def through_client(tracker: Tracker) -> Tracker:
    tracker._store = Store(tracker.uri, tracker.experiment_id)
    return tracker


def measure_logging(n_runs: int, n_client_runs: int) -> None:
    print("| tasks | metrics a run | bulk, ms a run | in calls of 20 | client, ms a run |")
    print("|---|---|---|---|---|")
    for n_tasks in (1, 10, 30, 100, 244):
        with tempfile.TemporaryDirectory() as folder:
            tracker = Tracker.open(Path(folder))
            rows = fit_table(n_runs, n_tasks, seed=1)
            bulk = seconds(tracker.log_fits, rows, CONTEXT) / n_runs
            parts = [fit_table(20, n_tasks, seed=2 + part) for part in range(10)]
            small = seconds(log_parts, tracker, parts) / 200
            through_client(tracker)
            rows = fit_table(n_client_runs, n_tasks, seed=99)
            client = seconds(tracker.log_fits, rows, CONTEXT) / n_client_runs
        figures = " | ".join(shown(1000 * times, 1) for times in (bulk, small, client))
        print(f"| {n_tasks} | {3 * n_tasks + 8} | {figures} |", flush=True)


def measure_reading(n_runs: int, n_tasks: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tracker = Tracker.open(Path(folder))
        for part in range(0, n_runs, 1000):
            tracker.log_fits(fit_table(min(1000, n_runs - part), n_tasks, seed=part), CONTEXT)
        some = sorted(set(tracker.fit_scores()["fit_id"]))[:100]
        print(f"| {n_runs} runs of {n_tasks} tasks | seconds |")
        print("|---|---|")
        print(f"| fit_scores() | {shown(seconds(tracker.fit_scores), 2)} |")
        print(f"| fit_scores() of 100 | {shown(seconds(tracker.fit_scores, some), 2)} |")
        through_client(tracker)
        print(f"| fit_scores() through the client | {shown(seconds(tracker.fit_scores), 2)} |")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--client-runs", type=int, default=50)
    parser.add_argument("--read-runs", type=int, default=10_000)
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, "
        f"load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, "
        f"MLflow {mlflow.__version__}; elapsed / CPU time\n"
    )
    measure_logging(options.runs, options.client_runs)
    print()
    measure_reading(options.read_runs, n_tasks=30)


if __name__ == "__main__":
    main()
