"""How reliably a study's setting shows transfer: training budget, early stopping, rotation.

    python benchmarks/reliability.py [--study FOLDER] [--subsets 40] [--repeats 4]

Trains random subsets, single tasks and all together on the task table of a study (its `prepare`
must have run), and prints a row a setting: the split-half reliability of what a subset gains over
the single tasks, of one repeat and of all, and the mean scores of single tasks and all together.
Nothing is recorded.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from cotrain.allocation import (
    Rotation,
    all_together,
    random_subsets,
    rotations,
    single_tasks,
    subset_fit,
)
from cotrain.reliability import split_half_reliability
from cotrain.scores import SCORES
from cotrain.study import Study
from cotrain.tasks import TaskTable
from cotrain.training import FitResult, make_learner, sweep
from cotrain.training.network import NetworkSettings

SHOWN = ("log_loss", "auroc")
BUDGETS: dict[str, dict[str, Any]] = {
    "5 epochs": {"epochs": 5, "decay_epochs": [3], "patience": 0},
    "10 epochs": {"epochs": 10, "decay_epochs": [5], "patience": 0},
    "20 epochs": {"epochs": 20, "decay_epochs": [10], "patience": 0},
    "early stopping": {"epochs": 20, "decay_epochs": [10], "patience": 2},
}


def measure(
    study: Study, table: TaskTable, model: NetworkSettings, turns: list[Rotation], n_subsets: int
) -> str:
    """One row of the table."""
    level, n_tasks = study.settings.plan.subset_level, table.n_tasks
    subsets = random_subsets(n_tasks, n_subsets, 2, n_tasks - 5, seed=0)
    place = {members: row for row, members in enumerate(subsets)}
    fits = all_together(n_tasks, level, turns) + single_tasks(n_tasks, level, turns)
    fits += [subset_fit(n_tasks, members, level, turn) for members in subsets for turn in turns]
    single = np.full((len(turns), n_tasks, len(SCORES)), np.nan)
    together = single.copy()
    scores = np.full((len(turns), n_subsets, n_tasks, len(SCORES)), np.nan)
    train = study.settings.train
    for fit, outcome, _ in sweep(make_learner(model), table, fits, train):
        assert isinstance(outcome, FitResult), outcome
        if fit.kind == "single":
            single[fit.repeat, fit.members[0]] = outcome.validation[0]
        elif fit.kind == "together":
            together[fit.repeat] = outcome.validation
        else:
            scores[fit.repeat, place[fit.members], list(fit.members)] = outcome.validation
    cells = []
    for score in SHOWN:
        at = list(SCORES).index(score)
        effects = scores[..., at] - single[:, None, :, at]
        for n_repeats in (1, len(turns)):
            found = split_half_reliability(effects, n_repeats=n_repeats, n_bootstrap=0)
            cells.append(f"{found.mean:.2f}")
        cells += [f"{np.nanmean(part[..., at]):.4f}" for part in (single, together)]
    return " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, default=Path())
    parser.add_argument("--subsets", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=4)
    arguments = parser.parse_args()
    study = Study(arguments.study)
    table, plan = TaskTable.load(study.table), study.settings.plan
    columns = [
        f"{score}: {what}"
        for score in SHOWN
        for what in ("reliability of 1", f"of {arguments.repeats}", "single", "together")
    ]
    print(f"| training folds | budget | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 2) + "|")
    for rotate in (False, True):
        turns = rotations(
            table.n_folds, plan.train_folds, plan.test_folds, arguments.repeats, plan.seed, rotate
        )
        for name, changes in BUDGETS.items():
            model = study.settings.learner.model_copy(update=changes)
            row = measure(study, table, model, turns, arguments.subsets)
            print(f"| {'rotate' if rotate else 'stay'} | {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
