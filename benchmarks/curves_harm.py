"""What a planted harmful task costs the others, by its labels and the width of the shared layer.

    python benchmarks/curves_harm.py FOLDER [--repeats 16]

The data are made by the `params.yaml` in FOLDER, with seeds of their own. The last line names the
setting that `curves_verdicts.py` is to be run with. Nothing is recorded.
"""

import argparse
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from cotrain.allocation import augmentations
from cotrain.reliability import Interval, paired_interval
from cotrain.settings import Settings
from cotrain.study import Study
from curves_study import markdown
from curves_training import AUROC
from curves_verdicts import made_bench

# Seeds of the data and trainings that the setting is chosen on: none that verdicts are judged on.
DATA_SEEDS, FIRST_SEED = range(101, 109), 3000
# Labels of a useful task in a whole data set, and those of the harmful task for each of them.
USEFUL, TIMES = 600, (3, 10)
WIDTHS = (8, 16, 32, 64)


@dataclass(frozen=True)
class Harm:
    """Effects on AUROC (data sets, R, useful tasks) of a fold more of the harmful task."""

    effects: np.ndarray

    @property
    def mean(self) -> Interval:
        """Of the mean useful task, over data sets."""
        return paired_interval(self.effects.mean(axis=(1, 2)))

    @property
    def spread(self) -> float:
        """Standard deviation of the mean useful task's effect between a data set's repeats."""
        return float(np.sqrt(self.effects.mean(axis=2).var(axis=1, ddof=1).mean()))

    @property
    def plainness(self) -> float:
        """Mean harm in units of its spread: the larger, the fewer repeats a verdict needs."""
        return float(-self.mean.estimate / self.spread)

    @property
    def n_hurt(self) -> int:
        """Useful tasks of all data sets whose mean effect is below 0."""
        return int((self.effects.mean(axis=1) < 0).sum())


def harm_by_setting(settings: Settings, n_repeats: int) -> str:
    """The harm in each setting; that where it is plainest is chosen."""
    found = {
        (times, width): _harm(_with(settings, times, width), n_repeats)
        for times, width in product(TIMES, WIDTHS)
    }
    rows = [
        [*setting, f"{harm.mean.estimate:+.4f} ({harm.mean.low:+.4f}, {harm.mean.high:+.4f})",
         f"{harm.n_hurt} of {harm.effects[:, 0].size}", f"{harm.spread:.4f}",
         f"{harm.plainness:.2f}"]
        for setting, harm in found.items()
    ]  # fmt: skip
    header = ["labels for each of a useful task", "hidden units", "effect on AUROC (95 %)",
              "useful tasks hurt", "spread of repeats", "harm over spread"]  # fmt: skip
    title = f"A planted harmful task, {len(DATA_SEEDS)} data sets of {n_repeats} repeats"
    times, width = max(found, key=lambda setting: found[setting].plainness)
    return f"{markdown(title, header, rows)}\n\nChosen: {times} times the labels, {width} units."


def _with(settings: Settings, times: int, width: int) -> Settings:
    """The settings with so many labels of the harmful task, and so many hidden units."""
    amounts = {"n_examples": USEFUL * times, "label_rate": 1 / times}
    return settings.model_copy(
        update={
            "fetch": settings.fetch.model_copy(update=amounts),
            "learners": {
                settings.plan.learner: settings.learner.model_copy(update={"hidden": [width]})
            },
        }
    )


def _harm(settings: Settings, n_repeats: int) -> Harm:
    """The harm in one setting; validation scores."""
    effects = []
    for seed in DATA_SEEDS:
        bench, truth = made_bench(settings, seed)
        plan, n_tasks = settings.plan, bench.table.n_tasks
        turns = bench.turns(plan.train_folds, n_repeats, seed=FIRST_SEED)
        fits = augmentations(n_tasks, plan.augmentations.levels[:1], turns)
        # Of a repeat's fits, the first has no fold more, and the last one more of the last task.
        ends = fits[:: n_tasks + 1] + fits[n_tasks :: n_tasks + 1]
        without, more = bench.scores(ends)[0][..., AUROC].reshape(2, n_repeats, n_tasks)
        effects.append((more - without)[:, ~truth["harmful"].to_numpy()])
    return Harm(np.stack(effects))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of the study")
    parser.add_argument("--repeats", type=int, default=16, help="of each data set")
    arguments = parser.parse_args()
    print(harm_by_setting(Study(arguments.folder).settings, arguments.repeats))


if __name__ == "__main__":
    main()
