"""What learning curves are good for, by real trainings on the task table of a study.

    python benchmarks/curves_training.py acquisition FOLDER [--repeats 8]
    python benchmarks/curves_training.py weights FOLDER [--repeats 10]

`cotrain prepare` must have run in the study's folder, and for `weights` its fits as well.
Nothing is recorded.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.allocation import (
    Allocation,
    Fit,
    Rotation,
    all_together,
    rotations,
    single_tasks,
)
from cotrain.curves import TransferModel
from cotrain.reliability import paired_interval
from cotrain.scores import SCORES
from cotrain.settings import Settings
from cotrain.study import Study
from cotrain.tasks import TaskTable
from cotrain.training import FitResult, load_fit_table, make_learner, sweep
from curves_study import Runs, gain_table, markdown
from lab.acquisition import STRATEGIES, simulate_acquisition
from lab.label_plan import task_weights

AUROC = list(SCORES).index("auroc")
# Acquisition: training folds whose labels are at hand, and those that are revealed fold by fold.
KNOWN, HIDDEN = 4, 6
N_ROUNDS, SHARE = 3, 0.4  # of the hidden labels that are acquired in all
N_SEEDS = 2  # fits behind each score that is judged


@dataclass(frozen=True)
class Bench:
    """A task table, and the settings by which models train on it."""

    settings: Settings
    table: TaskTable

    @classmethod
    def of(cls, study: Study) -> "Bench":
        return cls(study.settings, TaskTable.load(study.table))

    def turns(self, n_train: int, n_repeats: int, seed: int) -> list[Rotation]:
        n_test = self.settings.plan.test_folds
        return rotations(self.table.n_folds, n_train, n_test, n_repeats, seed)

    def scores(self, fits: Sequence[Fit]) -> tuple[np.ndarray, np.ndarray]:
        """Validation and test scores, (n_fits, K, SCORES) each; NaN for tasks not trained."""
        settings = self.settings
        place = {fit: row for row, fit in enumerate(fits)}
        validation = np.full((len(fits), self.table.n_tasks, len(SCORES)), np.nan)
        test = validation.copy()
        learner = make_learner(settings.learner)
        for fit, outcome, _ in sweep(learner, self.table, fits, settings.train):
            assert isinstance(outcome, FitResult), outcome
            validation[place[fit], outcome.tasks] = outcome.validation
            test[place[fit], outcome.tasks] = outcome.test
        return validation, test

    def counts(self, fits: Sequence[Fit]) -> np.ndarray:
        """Labels that each fit is trained on, (n_fits, K)."""
        return np.array([fit.allocation.counts(self.table.label_counts) for fit in fits])


def acquisition(folder: Path, n_repeats: int) -> str:
    """Every strategy's course in each repeat: its own folds at hand, hidden and to choose by."""
    bench = Bench.of(Study(folder))
    gain: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    after: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    spent = []
    for turn in bench.turns(KNOWN + HIDDEN, n_repeats, seed=100):
        fits = _fits_at_hand(bench.table.n_tasks, turn)
        N, Y = bench.counts(fits), bench.scores(fits)[0][..., AUROC]
        folds = bench.table.label_counts[:, turn.folds.train]
        hidden = folds[:, KNOWN:]
        budget = int(SHARE * hidden.sum() / N_ROUNDS)
        play = _play(bench, turn)
        for name, strategy in STRATEGIES.items():
            path = simulate_acquisition(
                play, strategy, N, Y, folds[:, :KNOWN].sum(axis=1), hidden, budget, N_ROUNDS,
                own_folds=np.array([fit.allocation.matrix.sum(axis=1) for fit in fits]),
                model=TransferModel(ranks=(0,), random_state=0),
            )  # fmt: skip
            gain[name].append(1000 * path.gain_per_label)
            after[name].append(float(np.nanmean(path.scores[-1])))
            spent.append((path.counts[-1] - path.counts[0]).sum())
        print(turn.repeat, {name: f"{values[-1]:.5f}" for name, values in gain.items()}, flush=True)
    title = f"Label acquisition by real trainings, {n_repeats} repeats, {N_ROUNDS} rounds"
    means = ", ".join(f"{name} {np.mean(values):.4f}" for name, values in after.items())
    return (
        f"{gain_table(title, gain)}\n\n{np.mean(spent):.0f} labels acquired, mean over courses. "
        f"Mean test AUROC after the last round: {means}."
    )


def _fits_at_hand(n_tasks: int, turn: Rotation) -> list[Fit]:
    """Fits within the folds at hand: levels, single tasks, and a random level for every task."""
    levels = range(1, KNOWN + 1)
    fits = [fit for level in levels for fit in all_together(n_tasks, level, [turn])]
    fits += [fit for level in (2, KNOWN) for fit in single_tasks(n_tasks, level, [turn])]
    rng = np.random.default_rng(turn.seed)
    return fits + [
        _with_folds(rng.integers(0, KNOWN + 1, n_tasks), turn) for _ in range(2 * n_tasks)
    ]


def _with_folds(n_folds: np.ndarray, turn: Rotation, seed: int = 0) -> Fit:
    """The fit of so many training folds of each task."""
    use = turn.folds
    cells = frozenset((task, use.train[at]) for task, n in enumerate(n_folds) for at in range(n))
    n_all = len(use.train) + len(use.validation) + len(use.test)
    allocation = Allocation(len(n_folds), n_all, cells)
    return Fit(allocation, use, turn.seed + seed, "subset", turn.repeat, int(max(n_folds)))


def _play(bench: Bench, turn: Rotation) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Validation scores to learn from, test scores to be judged by."""

    @cache
    def train(revealed: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        fits = [_with_folds(KNOWN + np.array(revealed), turn, 1000 * n) for n in range(N_SEEDS)]
        validation, test = bench.scores(fits)
        return validation[..., AUROC].mean(axis=0), test[..., AUROC].mean(axis=0)

    return lambda revealed: train(tuple(revealed.tolist()))


def weights(folder: Path, n_repeats: int) -> str:
    """Losses weighed by what labels are worth, to all tasks in one model or to each in its own."""
    study = Study(folder)
    bench = Bench.of(study)
    plan = study.settings.plan
    frames = [load_fit_table(study.fits(name)) for name in ("subsets", "augmentations")]
    runs = Runs.of(pd.concat(frames, ignore_index=True))
    model = TransferModel(random_state=0).fit(runs.N, runs.Y, runs.blocks)
    order = [runs.tasks.index(task) for task in bench.table.tasks]
    rates = model.exchange_rates_[np.ix_(order, order)]
    n_tasks = bench.table.n_tasks
    worth = _positive(task_weights(rates))
    print("weights", dict(zip(bench.table.tasks, worth.round(2).tolist(), strict=True)))
    ways = {
        "equal": np.ones((1, n_tasks)),
        "worth to all": worth[None],
        "worth to the target, a model each": np.stack(
            [_positive(task_weights(rates, target)) for target in np.eye(n_tasks)]
        ),
    }
    turns = bench.turns(plan.train_folds, n_repeats, seed=1000)
    together = all_together(n_tasks, plan.subset_level, turns)
    found = {name: _weighed(bench, together, way) for name, way in ways.items()}
    rows = []
    for score, sign in (("log_loss", -1), ("auroc", 1)):
        for name, by_way in found.items():
            at = list(SCORES).index(score)
            scores, equal = (way[..., at] for way in (by_way, found["equal"]))
            gap = paired_interval(sign * np.nanmean(scores - equal, axis=1))
            rows.append([
                score, name, f"{np.nanmean(scores):.4f}",
                f"{gap.estimate:+.4f} ({gap.low:+.4f}, {gap.high:+.4f})",
            ])  # fmt: skip
    header = ["score", "weights of the tasks' losses", "mean over tasks, test",
              "better than equal by (95 %)"]  # fmt: skip
    return markdown(f"Task weights from exchange rates, {n_repeats} repeats", header, rows)


def _positive(worth: np.ndarray) -> np.ndarray:
    """Weights of mean 1, above 0 as fits want them."""
    worth = np.maximum(worth, 0.05)
    return worth / worth.mean()


def _weighed(bench: Bench, together: Sequence[Fit], way: np.ndarray) -> np.ndarray:
    """Test scores (n_repeats, K, SCORES), from one model with weights (1, K) or K with (K, K)."""
    fits = [replace(fit, task_weights=tuple(each.tolist())) for fit in together for each in way]
    n_tasks = way.shape[1]
    test = bench.scores(fits)[1].reshape(len(together), len(way), n_tasks, len(SCORES))
    every = np.arange(n_tasks)
    return test[:, every % len(way), every]


TABLES: dict[str, Callable[[Path, int], str]] = {
    "acquisition": acquisition,
    "weights": weights,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("folder", type=Path, help="of the study")
    parser.add_argument("--repeats", type=int, default=8)
    arguments = parser.parse_args()
    print(TABLES[arguments.table](arguments.folder, arguments.repeats))


if __name__ == "__main__":
    main()
