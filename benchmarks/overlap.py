"""What gradient affinities are worth where tasks share few examples.

    python benchmarks/overlap.py STUDY [--repeats 5] [--share 0.1]

STUDY is a prepared study whose examples have labels of all tasks. Each task keeps the labels of one
example in ten (`--share`), drawn so that two tasks have a given part of their examples in common,
from all to none; affinities of a fit of all tasks are held against those of the whole table, and
against those of other draws of the same part: Spearman's correlations over ordered pairs of tasks.
"""

import argparse
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.sparse import csr_array

from cotrain.allocation import all_together
from cotrain.gradients import record_affinity
from cotrain.reliability import paired_interval
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable
from curves_study import markdown

PARTS = (1.0, 0.5, 0.3, 0.1, 0.0)
MEASURES = ("affinity", "cosine")


def thinned(table: TaskTable, share: float, part: float, rng: np.random.Generator) -> TaskTable:
    """The table with a `share` of each task's labels, `part` of which two tasks have in common.

    A part of the kept examples is one draw for all tasks, the others are each task's own.
    """
    n, n_tasks = table.labels.shape
    n_kept = round(share * n)
    n_common = round(part * n_kept)
    if n_common + n_tasks * (n_kept - n_common) > n:
        raise SystemExit(f"{n} examples are too few for {n_tasks} tasks; lower --share")
    order = rng.permutation(n)
    kept = np.zeros((n, n_tasks), dtype=bool)
    kept[order[:n_common]] = True
    for task, own in enumerate(
        order[n_common:][: n_tasks * (n_kept - n_common)].reshape(n_tasks, -1)
    ):
        kept[own, task] = True
    labels = table.labels.tocoo()
    left = kept[labels.row, labels.col]
    thin = csr_array((labels.data[left], (labels.row[left], labels.col[left])), shape=labels.shape)
    return replace(table, labels=thin)


def recorded(table: TaskTable, study: Study, seed: int) -> dict[str, np.ndarray]:
    """Affinities and cosines of ordered pairs, (K (K - 1),) each, of one fit of all tasks."""
    settings = study.settings
    repeat = study_repeats(settings, 1, seed)
    fit = all_together(table.n_tasks, settings.plan.subset_level, repeat)[0]
    record = record_affinity(table, fit, settings.learner, every=settings.plan.affinity.every)
    off = ~np.eye(table.n_tasks, dtype=bool)
    return {name: getattr(record, name)[off] for name in MEASURES}


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's correlation over the pairs that both know."""
    known = np.isfinite(a) & np.isfinite(b)
    return float(stats.spearmanr(a[known], b[known])[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.1)
    options = parser.parse_args()
    study = Study(options.study)
    table, seeds = TaskTable.load(study.table), range(options.repeats)
    whole = [recorded(table, study, seed) for seed in seeds]
    truth = {name: np.mean([one[name] for one in whole], axis=0) for name in MEASURES}
    lines = []
    for part in (None, *PARTS):
        found = whole if part is None else [
            recorded(thinned(table, options.share, part, np.random.default_rng(seed)), study, seed)
            for seed in seeds
        ]  # fmt: skip
        row: list[object] = ["the whole table" if part is None else f"{part:.0%} in common"]
        for name in MEASURES:
            held = paired_interval(np.array([[agreement(one[name], truth[name])] for one in found]))
            again = [agreement(a[name], b[name]) for a, b in combinations(found, 2)]
            with_whole = f"{held.estimate[0]:.2f} ({held.low[0]:.2f} to {held.high[0]:.2f})"
            row += ["" if part is None else with_whole, f"{np.mean(again):.2f}"]
        lines.append(row)
    told = ("with the whole table's", "draws with each other")
    header = ["labels", *(f"{name}, {what}" for name in MEASURES for what in told)]
    print(markdown("Affinities of thinned tables", header, lines))


if __name__ == "__main__":
    main()
