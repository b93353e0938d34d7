"""statTAG's highest level on other molecules: other training folds, other validation folds.

The plan of `cotrain` repeats with other seeds on the same folds, which tells what these labels do.
Whether the same holds for other labels of the same targets is asked here.
"""

import numpy as np
from _fits import STUDY, plan_of, train

from cotrain.allocation import Fit, augmentations, rotations
from cotrain.analysis import Observations
from cotrain.tasks import TaskTable
from cotrain.training import load_fit_table, save_fit_table

NAME, FIRST_SEED, N_REPEATS = "other_folds", 3000, 2


def make_fits(n_tasks: int) -> list[Fit]:
    """The highest level's baseline and augmentations, each repeat on folds of its own."""
    plan, n_folds = STUDY.settings.plan, STUDY.settings.prepare.n_folds
    # The first repeat would train on the folds that the study's own plan trains on.
    others = rotations(n_folds, plan.train_folds, plan.test_folds, N_REPEATS + 1, FIRST_SEED)[1:]
    return augmentations(n_tasks, plan.augmentations.levels[-1:], others)


def effects(score: str) -> np.ndarray:
    """Gain in a validation score by one fold more, (repeats, sources, targets)."""
    table, level = TaskTable.load(STUDY.table), STUDY.settings.plan.augmentations.levels[-1]
    fits = plan_of(NAME, make_fits(table.n_tasks), STUDY.table).fits
    rows = load_fit_table(STUDY.fits(NAME))
    seen = Observations.of(rows, fits, table.tasks, table.label_counts, score)
    measured = seen.grid([level], N_REPEATS + 1)
    return (measured.augmented - measured.baseline[:, :, None])[1:, 0]


if __name__ == "__main__":
    fits = make_fits(TaskTable.load(STUDY.table).n_tasks)
    save_fit_table(STUDY.fits(NAME), train(NAME, fits, STUDY.table))
