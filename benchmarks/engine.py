"""What the engines reach, against a tight sequential PyTorch loop and against the machine.

    python benchmarks/engine.py                    # made data of KIBA244's and MoleculeACE's shapes
    python benchmarks/engine.py --kiba FOLDER      # the real KIBA244
    python benchmarks/engine.py --moleculeace data/tasks.npz   # the default study's task table
    python benchmarks/engine.py --only together,scale --epochs 5

Both sides of a comparison run in turns in one process, on the same data, with the same epochs,
batches and hidden size, and both are scored. "Wall" needs an idle machine; "processor" counts the
processor's seconds and bears a busy one.
"""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import joblib
import numpy as np
import torch
from scipy.stats import t as student

from cotrain.allocation import Fit, all_together, fit_id, rotations, single_tasks, subset_fit
from cotrain.scores import SCORES
from cotrain.settings import TrainSettings
from cotrain.tasks import TaskTable
from cotrain.training import FitResult, Journal, make_learner, sweep
from cotrain.training.network import NetworkSettings
from cotrain.training.network._torch import TorchEngine
from engine_data import kiba244, made
from engine_loop import train_loop
from engine_machine import ceiling, kernels

N_CORES = joblib.cpu_count()
PARTS = "speed,batched,agreement,memory,bookkeeping,scale,ceiling,kernels"
AUROC = list(SCORES).index("auroc")


def model_of(hidden: int, epochs: int, **changes: float) -> NetworkSettings:
    values = {
        "engine": "compiled",
        "combination": "sum",
        "hidden": [hidden],
        "dropout": 0.2,
        "epochs": epochs,
        "batch_fraction": 0.02,
        "min_batch_size": 128,
        "learning_rate": 1e-3,
        "decay_epochs": [max(1, epochs // 2)],
        "decay_factor": 0.3,
        "weight_decay": 0.0,
        "patience": 0,
    }
    return NetworkSettings(**(values | changes))


def run_sweep(table: TaskTable, fits: Sequence[Fit], model: NetworkSettings) -> list[FitResult]:
    train = TrainSettings(workers=N_CORES, backend="threading")
    found = {fit: outcome for fit, outcome, _ in sweep(make_learner(model), table, fits, train)}
    return [found[fit] for fit in fits]


def timed(work: Callable[[], object]) -> np.ndarray:
    """Wall and processor seconds of `work`."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return np.array([time.perf_counter() - wall, time.process_time() - processor])


def compare(
    name: str, table: TaskTable, fits: Sequence[Fit], model: NetworkSettings, turns: int
) -> None:
    """Seconds a fit of the loop (one after the other, all cores) and of a sweep, in turns."""
    run_sweep(table, fits[:2], model.model_copy(update={"epochs": 1}))
    train_loop(table, fits[0], model.model_copy(update={"epochs": 1}))
    sample = fits[:: max(1, len(fits) // 4)][:4]
    loop, engine = [], []
    for _ in range(turns):
        loop.append(timed(lambda: [train_loop(table, fit, model) for fit in sample]) / len(sample))
        engine.append(timed(lambda: run_sweep(table, fits, model)) / len(fits))
    loop_wall, loop_processor = np.median(loop, axis=0)
    wall, processor = np.median(engine, axis=0)
    ratios = [float(a[0] / b[0]) for a, b in zip(loop, engine, strict=True)]
    print(
        f"| {name} | {loop_wall:.3f} | {wall:.4f} | {statistics.median(ratios):.1f} "
        f"({min(ratios):.1f} to {max(ratios):.1f}) | {loop_processor / processor:.1f} |",
        flush=True,
    )


def speed(kiba: TaskTable, ace: TaskTable, epochs: int, turns: int) -> None:
    print("\n## Speed: seconds a fit\n")
    print("| work | loop | sweep | times faster (wall) | times less processor |")
    print("|---|---|---|---|---|")
    rotation = rotations(10, 8, 1, 1, 0)[0]
    model = model_of(400, epochs)
    together = [*all_together(kiba.n_tasks, 8, rotations(10, 8, 1, N_CORES, 0))]
    compare("KIBA244, all together, hidden 400", kiba, together, model, turns)
    singles = single_tasks(kiba.n_tasks, 8, [rotation])[::8]
    compare("KIBA244, single tasks, batch 128", kiba, singles, model, turns)
    rng = np.random.default_rng(0)
    subsets = [
        subset_fit(kiba.n_tasks, rng.choice(kiba.n_tasks, 5, replace=False), 2, rotation)
        for _ in range(16)
    ]
    compare("KIBA244, 5 tasks of 2 folds, batch 128", kiba, subsets, model, turns)
    ace_fits = all_together(ace.n_tasks, 8, rotations(10, 8, 1, 2 * N_CORES, 0))
    compare("MoleculeACE, all together, hidden 256", ace, ace_fits, model_of(256, epochs), turns)


def batched(kiba: TaskTable, epochs: int) -> None:
    print(
        f"\n## Batched PyTorch on the CPU, 32 fits at once, {N_CORES} threads, against the loop\n"
    )
    print("| work | loop, s a fit | batched, s a fit | times faster |\n|---|---|---|---|")
    rotation = rotations(10, 8, 1, 1, 0)[0]
    singles = single_tasks(kiba.n_tasks, 1, [rotation])
    counts = kiba.label_counts[:, 0]
    small = [singles[task] for task in np.argsort(counts)[-64:-32]]
    large = single_tasks(kiba.n_tasks, 8, [rotation])
    large = [large[task] for task in np.argsort(counts)[-32:]]
    for name, fits, hidden, batch in (
        ("one task of one fold, hidden 32, batch 16", small, 32, 16),
        ("one task of one fold, hidden 64, batch 32", small, 64, 32),
        ("one task of 8 folds, hidden 400, batch 128", large, 400, 128),
    ):
        model = model_of(hidden, epochs, min_batch_size=batch)
        engine = TorchEngine(device="cpu", n_threads=N_CORES)
        torch.set_num_threads(N_CORES)
        ratios, seconds = [], []
        for _ in range(3):
            loop, together = _turn(engine, kiba, fits, model)
            seconds.append((loop, together))
            ratios.append(loop / together)
        loop, together = np.median(seconds, axis=0)
        print(
            f"| {name} | {loop:.3f} | {together:.3f} | {statistics.median(ratios):.1f} |",
            flush=True,
        )


def _turn(
    engine: TorchEngine, table: TaskTable, fits: Sequence[Fit], model: NetworkSettings
) -> tuple[float, float]:
    """Wall seconds a fit of the loop and of the batched engine."""
    loop = timed(lambda: [train_loop(table, fit, model) for fit in fits[:6]])[0] / 6
    return loop, timed(lambda: engine.train(table, fits, model))[0] / len(fits)


def agreement(kiba: TaskTable, epochs: int) -> None:
    print("\n## Mean test AUROC, engine less loop, 5 seeds, all together\n")
    model = model_of(400, epochs)
    fits = all_together(kiba.n_tasks, 8, rotations(10, 8, 1, 5, 0, rotate=False))
    engine = [np.nanmean(scores.test[:, AUROC]) for scores in run_sweep(kiba, fits, model)]
    loop = [np.nanmean(train_loop(kiba, fit, model)[:, AUROC]) for fit in fits]
    difference = np.array(engine) - np.array(loop)
    half = student.ppf(0.975, 4) * difference.std(ddof=1) / np.sqrt(5)
    print(f"engine {np.mean(engine):.4f}, loop {np.mean(loop):.4f}, ", end="")
    print(f"difference {difference.mean():+.4f} (95 % interval ±{half:.4f})", flush=True)


def _peak_of_sweep(path: Path, epochs: int, channel: "multiprocessing.Queue[float]") -> None:
    table = TaskTable.load(path)
    model = model_of(400, epochs)
    run_sweep(table, all_together(table.n_tasks, 8, rotations(10, 8, 1, 4, 0)), model)
    channel.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def memory(kiba: TaskTable, epochs: int) -> None:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.npz"
        kiba.save(path)
        channel = context.Queue()
        process = context.Process(target=_peak_of_sweep, args=(path, epochs, channel))
        process.start()
        peak = channel.get()
        process.join()
    print(f"\n## Memory\n\nPeak of a process that sweeps KIBA244 with {N_CORES} workers: ", end="")
    print(f"{peak:.2f} GB", flush=True)


def bookkeeping(kiba: TaskTable, epochs: int) -> None:
    model = model_of(400, epochs)
    fits = single_tasks(kiba.n_tasks, 2, [rotations(10, 8, 1, 1, 0)[0]])
    train = TrainSettings(workers=N_CORES, backend="threading")
    start, inside = time.perf_counter(), 0.0
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        for fit, scores, seconds in sweep(make_learner(model), kiba, fits, train):
            inside += seconds
            if isinstance(scores, FitResult):
                journal.write(fit_id("version", fit, {}), scores, seconds)
    outside = 1 - inside / (N_CORES * (time.perf_counter() - start))
    print(
        f"\n## Bookkeeping\n\n{len(fits)} single-task fits, each written to the journal: ", end=""
    )
    print(f"{100 * outside:.1f} % of the workers' time is spent outside the engine", flush=True)


def scale(kiba: TaskTable, epochs: int, plot: Path | None) -> None:
    print("\n## Cost against the size of a fit (one core, processor seconds)\n")
    print("| tasks | folds | labels | rows | measured | estimated / measured |")
    print("|---|---|---|---|---|---|")
    learner = make_learner(model_of(400, epochs))
    rotation = rotations(10, 8, 1, 1, 0)[0]
    rng = np.random.default_rng(1)
    shuffled = rng.permutation(kiba.n_tasks)
    points = []
    for size in (1, 4, 16, 64, kiba.n_tasks):
        for level in (2, 4, 8):
            fit = subset_fit(kiba.n_tasks, shuffled[:size], level, rotation)
            seconds = min(timed(lambda fit=fit: learner.evaluate(kiba, [fit]))[1] for _ in range(3))
            labels = int(fit.allocation.counts(kiba.label_counts).sum())
            trained = np.isin(kiba.folds, fit.allocation.folds)
            member = np.isin(kiba.labels.indices, fit.members)
            row = np.repeat(np.arange(kiba.n_examples), np.diff(kiba.labels.indptr))
            n_rows = np.unique(row[member & trained[row]]).size
            estimate = float(learner.cost(kiba, [fit])[0])
            points.append((size, level, labels, n_rows, seconds))
            print(f"| {size} | {level} | {labels} | {n_rows} | {seconds:.3f} ", end="")
            print(f"| {estimate / seconds:.2f} |", flush=True)
    if plot is not None:
        draw(points, plot)


def draw(points: list[tuple[int, int, int, int, float]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.5), sharey=True, layout="constrained")
    values = np.array(points)
    for axis, column, name in zip(axes, (0, 2, 3), ("tasks", "labels", "rows"), strict=True):
        for level in np.unique(values[:, 1]):
            some = values[values[:, 1] == level]
            axis.loglog(some[:, column], some[:, 4], "o-", label=f"{level:.0f} folds")
        axis.set_xlabel(name)
    axes[0].set_ylabel("seconds a fit")
    axes[0].legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kiba", type=Path, help="folder with KIBA's scores and compounds")
    parser.add_argument("--moleculeace", type=Path, help="the default study's task table")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3, help="repeats of each comparison")
    parser.add_argument("--only", default=PARTS, help=f"some of {PARTS}")
    parser.add_argument("--plot", type=Path, help="where to draw cost against size")
    options = parser.parse_args()
    torch.set_num_threads(N_CORES)
    kiba = made(44_824, 244, 216_706) if options.kiba is None else kiba244(options.kiba)
    ace = (
        made(35_633, 30, 48_714)
        if options.moleculeace is None
        else TaskTable.load(options.moleculeace)
    )
    print(f"{'made data of the shape of ' if options.kiba is None else ''}KIBA244: ", end="")
    print(f"{kiba.n_examples} examples, {kiba.n_tasks} tasks, {kiba.labels.nnz} labels, ", end="")
    print(
        f"{kiba.features.nnz / kiba.n_examples:.1f} features a row; {options.epochs} epochs, ",
        end="",
    )
    print(f"{N_CORES} cores")
    parts = {
        "speed": lambda: speed(kiba, ace, options.epochs, options.turns),
        "batched": lambda: batched(kiba, options.epochs),
        "agreement": lambda: agreement(kiba, options.epochs),
        "memory": lambda: memory(kiba, options.epochs),
        "bookkeeping": lambda: bookkeeping(kiba, options.epochs),
        "scale": lambda: scale(kiba, options.epochs, options.plot),
        "ceiling": lambda: ceiling(kiba, model_of(400, 4)),
        "kernels": lambda: [kernels(kiba, n_rows) for n_rows in (896, 128)],
    }
    for name in options.only.split(","):
        parts[name]()


if __name__ == "__main__":
    main()
