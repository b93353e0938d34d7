"""Each task alone and all together, every fold once the test fold; scaffold and random folds.

What `cotrain` trains for transfer keeps its test folds apart and trains on few labels. Whether
multi-task training helps at all, and the learning curves up to most of the labels, are asked here.
"""

import sys
from dataclasses import replace
from pathlib import Path

from _fits import STUDY, train

from cotrain.allocation import Fit, FoldUse, Rotation, subset_fit
from cotrain.preparation import prepare
from cotrain.sources import RawTable
from cotrain.splits import RandomSplitter
from cotrain.tasks import TaskTable
from cotrain.training import save_fit_table

# Training folds of the learning curves; the last one is what question 1 compares at.
LEVELS = (1, 2, 4, 8)
FIRST_SEED = 2000


RANDOM_TABLE = STUDY.folder / "data" / "random.npz"


def make_random_folds() -> None:
    """Write the task table whose folds are random, of the tasks that the one of scaffolds has."""
    split = RandomSplitter.Settings(kind="random")
    settings = STUDY.settings.prepare.model_copy(update={"split": split})
    kept = TaskTable.load(STUDY.table).tasks
    raw = RawTable.load(STUDY.raw)
    raw = replace(raw, values=raw.values[raw.values["task"].isin(kept)])
    prepared = prepare(raw, settings, [range(settings.n_folds)])
    prepared.table.save(RANDOM_TABLE)


def fold_uses(n_folds: int) -> list[Rotation]:
    """Fold f tests, the next one validates, the others train."""
    repeats = []
    for test in range(n_folds):
        validation, *train = ((test + step) % n_folds for step in range(1, n_folds))
        use = FoldUse(tuple(train), (validation,), (test,))
        repeats.append(Rotation(test, use, FIRST_SEED + test))
    return repeats


def fold_fits(table: TaskTable, levels: tuple[int, ...]) -> list[Fit]:
    """All together and each task alone at each level, where its labels hold both classes."""
    positive, every = table.positive_counts, table.label_counts
    fits = []
    for repeat in fold_uses(table.n_folds):
        for level in levels:
            folds = list(repeat.folds.train[:level])
            n_positive, n_labels = positive[:, folds].sum(axis=1), every[:, folds].sum(axis=1)
            learnable = (n_positive > 0) & (n_positive < n_labels)
            together = range(table.n_tasks)
            fits.append(subset_fit(table.n_tasks, together, level, repeat, "together"))
            fits += [
                subset_fit(table.n_tasks, [task], level, repeat, "single")
                for task in learnable.nonzero()[0].tolist()
            ]
    return fits


def train_folds(split: str, path: Path, levels: tuple[int, ...]) -> None:
    name = f"{split}_folds"
    save_fit_table(STUDY.fits(name), train(name, fold_fits(TaskTable.load(path), levels), path))


def main() -> None:
    match sys.argv[1:]:
        case ["prepare"]:
            make_random_folds()
        case ["scaffold"]:
            train_folds("scaffold", STUDY.table, LEVELS)
        case ["random"]:
            train_folds("random", RANDOM_TABLE, LEVELS[-1:])
        case _:
            sys.exit("usage: python folds.py prepare | scaffold | random")


if __name__ == "__main__":
    main()
