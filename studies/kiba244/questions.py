"""Train what the first run asked of 128 units, of the study's network: `python questions.py`.

Or some of it: `python questions.py folds budgets`. After `prepare`, `tune` and `affinity`; a fit
is kept under its identity, so that a run goes on after a kill. `answers.py` makes the tables.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cotrain.allocation import (
    Allocation,
    Fit,
    FoldUse,
    Plan,
    Rotation,
    by_recipe,
    random_subsets,
    rotations,
    subset_fit,
    subset_fits,
)
from cotrain.analysis import Observations, SubsetAnalysis, affinity_table
from cotrain.comparison import Contest, Model, Phase, Way, draws
from cotrain.files import write_json
from cotrain.gradients import load_records
from cotrain.grouping import (
    AffinityValue,
    Constraints,
    Grouping,
    LinearValue,
    Objective,
    fill_unknown_pairs,
    greedy_groups,
    pairwise_scores,
    random_groupings,
    spectral_clusters,
)
from cotrain.preparation import prepare
from cotrain.sources import RawTable
from cotrain.splits import RandomSplitter
from cotrain.stages._sweep import Trainer
from cotrain.study import Study
from cotrain.tables import pair_matrix
from cotrain.tasks import TaskTable, file_version
from cotrain.training import FitResult, save_fit_table

STUDY = Study(Path(__file__).parent)
GROUPINGS = STUDY.folder / "data" / "groupings.json"
NETWORK = STUDY.settings.plan.learner
TESTS = range(10)  # the folds that test in turn
BUYERS = range(0, 10, 2)  # those of the turns in which labels are bought
LEVELS = (1, 2, 4, 8)  # training folds of the learning curves
EVERY = 3  # targets that are trained alone in those turns
N_ALLOCATIONS = 20  # fits with some folds of each target, that tell what its labels do to others
# Subsets and budgets of models have the folds of the first run: two of four train, three test.
LEVEL, POOL, N_TEST = 2, 4, 3
N_SUBSETS = 400
BUDGETS = (3, 10)  # models


def planned(trainer: Trainer, name: str, fits: Sequence[Fit]) -> Plan:
    own = by_recipe(NETWORK, fits)
    return Plan.of(name, own, trainer.data_version, trainer.learners.identities())


def same_folds(n_repeats: int, seed: int) -> list[Rotation]:
    """Repeats that differ in seed alone."""
    return rotations(10, POOL, N_TEST, n_repeats, seed, rotate=False)


def turn_of(test: int, n_folds: int) -> Rotation:
    """One fold tests, the next one validates, the others train."""
    validation, *own = ((test + step) % n_folds for step in range(1, n_folds))
    return Rotation(test, FoldUse(tuple(own), (validation,), (test,)), 2000 + test)


def fold_fits(table: TaskTable, levels: Sequence[int] = LEVELS) -> list[Fit]:
    """All together, and every third target alone if its labels hold both classes, by turn."""
    fits = []
    for turn in (turn_of(test, table.n_folds) for test in TESTS):
        for level in levels:
            own = list(turn.folds.train[:level])
            positive = table.positive_counts[:, own].sum(axis=1)
            able = (positive > 0) & (positive < table.label_counts[:, own].sum(axis=1))
            fits.append(subset_fit(table.n_tasks, range(table.n_tasks), level, turn, "together"))
            fits += [
                subset_fit(table.n_tasks, [task], level, turn, "single")
                for task in range(0, table.n_tasks, EVERY)
                if able[task]
            ]
    return fits


def allocation_fit(n_folds: np.ndarray, turn: Rotation, draw: int = 0) -> Fit:
    """The fit of the first so many training folds of each target."""
    cells = {(task, turn.folds.train[at]) for task, n in enumerate(n_folds) for at in range(n)}
    allocation = Allocation(len(n_folds), 10, frozenset(cells))
    seed = turn.seed + 1000 * draw
    return Fit(allocation, turn.folds, seed, "subset", turn.repeat, int(max(n_folds)))


def at_hand(table: TaskTable, test: int) -> list[Fit]:
    """What is known where labels are to be bought: fits of up to four folds in one turn."""
    turn, rng = turn_of(test, table.n_folds), np.random.default_rng(test)
    known = [fit for fit in fold_fits(table, LEVELS[:-1]) if fit.repeat == test]
    draws = rng.integers(0, LEVELS[-2] + 1, (N_ALLOCATIONS, table.n_tasks))
    return [*known, *(allocation_fit(row, turn) for row in draws)]


def random_folds(trainer: Trainer) -> Trainer:
    """The same targets with random folds."""
    path = STUDY.folder / "data" / "random.npz"
    if not path.exists():
        split = RandomSplitter.Settings(kind="random")
        settings = STUDY.settings.prepare.model_copy(update={"split": split})
        raw = RawTable.load(STUDY.raw)
        raw = replace(raw, values=raw.values[raw.values["task"].isin(trainer.table.tasks)])
        prepare(raw, settings, [range(settings.n_folds)]).table.save(path)
    return replace(trainer, table=TaskTable.load(path), data_version=file_version(path))


def subset_analysis(trainer: Trainer, n_subsets: int = N_SUBSETS) -> SubsetAnalysis:
    """What subsets of targets tell, in the study's score."""
    table, options = trainer.table, STUDY.settings.analyze
    subsets = random_subsets(table.n_tasks, n_subsets, 2, 60, seed=0)
    fits = subset_fits(table.n_tasks, LEVEL, subsets, same_folds(4, seed=0))
    plan = planned(trainer, "subsets", fits)
    seen = Observations.of(
        trainer.train(plan), plan.fits, table.tasks, table.label_counts, options.score
    ).subsets(LEVEL)
    return SubsetAnalysis.of(seen, table.tasks, table.label_counts.sum(axis=1), options)


def groupings(trainer: Trainer) -> dict[str, Grouping]:
    """The groupings of each budget by `way, number of models`."""
    found, tasks = subset_analysis(trainer), trainer.table.tasks
    linear = LinearValue(found.intercept, np.nan_to_num(found.relevance.estimate))
    pairs = pair_matrix(affinity_table(load_records(STUDY.affinity), tasks), tasks, "affinity")
    affinity = AffinityValue(fill_unknown_pairs(pairs), self_scores=np.zeros(len(tasks)))
    made: dict[str, Grouping] = {}
    for n in BUDGETS:
        for way, value in (("recommended", linear), ("gradient affinity", affinity)):
            objective = Objective(value, Constraints(max_groups=n))
            made[f"{way}, {n}"] = greedy_groups(objective, seed=0, starts=1).groups
        like = made[f"recommended, {n}"]
        made[f"clustering, {n}"] = spectral_clusters(pairwise_scores(linear), n, seed=0)
        made[f"random, {n}"] = random_groupings(like, len(tasks), count=1, seed=0)[0]
    return made


def contest_of(table: TaskTable, made: Mapping[str, Grouping]) -> Contest:
    """The groupings beside targets alone, all together and as many networks of all."""
    every = tuple(range(table.n_tasks))
    ways = [Way("single-task", tuple(Model(NETWORK, (task,)) for task in every))]
    ways += [
        Way(f"ensemble, {n}" if n > 1 else "all together", draws(NETWORK, every, n))
        for n in (1, *BUDGETS)
    ]
    ways += [
        Way(way, tuple(Model(NETWORK, tuple(group)) for group in grouping), served=True)
        for way, grouping in made.items()
    ]
    phase = Phase(same_folds(5, seed=1000), LEVEL)
    return Contest(table, ways, (), phase, phase)


def contest_results(trainer: Trainer, contest: Contest) -> dict[Fit, FitResult]:
    """The results of all its models, with what they predict."""
    plan = planned(trainer, "budgets", contest.needed)
    found = trainer.results(plan, predictions=True)
    return {fit: found[key] for key, fit in plan.fits.items()}


def train_budgets(trainer: Trainer) -> None:
    made = groupings(trainer)
    contest_results(trainer, contest_of(trainer.table, made))
    write_json(GROUPINGS, made)


def train(trainer: Trainer, name: str, fits: Sequence[Fit]) -> None:
    save_fit_table(STUDY.fits(name), trainer.train(planned(trainer, name, fits)))


def main() -> None:
    trainer = Trainer.of(STUDY)
    table, elsewhere = trainer.table, random_folds(trainer)
    asked = {
        "folds": lambda: train(trainer, "folds", fold_fits(table)),
        "random-folds": lambda: train(
            elsewhere, "random-folds", fold_fits(elsewhere.table, LEVELS[-1:])
        ),
        "labels": lambda: train(
            trainer, "labels", [fit for test in BUYERS for fit in at_hand(table, test)]
        ),
        "budgets": lambda: train_budgets(trainer),
    }
    for name in sys.argv[1:] or asked:
        asked[name]()


if __name__ == "__main__":
    main()
