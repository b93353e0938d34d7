"""What one setting of a learner does to a study: all tasks together, and each alone.

    python benchmarks/one_setting.py STUDY balance 0 0.5 1 [--learner network] [--test]

A value such as '{epochs: 10, learning_rate: 0.003}' stands for several settings, whatever is named
before it. The study has gone through `cotrain prepare`. Prints, for each value, means over repeats
and tasks of AUROC and log loss, or of R² and relative absolute error, on validation labels; with
--test on test labels as well, which are not for choosing. The repeats are those of
`cotrain validate`.
"""

import argparse
from pathlib import Path

import numpy as np
import yaml

from cotrain.allocation import Fit
from cotrain.comparison import Model
from cotrain.scores import SCORES
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable
from cotrain.training import FitFailure, FitResult, Learner, make_learner
from curves_study import markdown


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("setting")
    parser.add_argument("values", nargs="+", type=yaml.safe_load)
    parser.add_argument("--learner")
    parser.add_argument("--test", action="store_true")
    arguments = parser.parse_args()
    study = Study(arguments.study)
    settings, table = study.settings, TaskTable.load(study.table)
    section = settings.learners[arguments.learner or settings.plan.learner]
    repeats = study_repeats(settings, settings.validate_.repeats, settings.validate_.seed)
    shown = [
        name
        for kind, names in (("binary", ("auroc", "log_loss")), ("real", ("r2", "rae")))
        if kind in table.kinds
        for name in names
    ]
    uses = ("validation", "test") if arguments.test else ("validation",)
    rows = []
    for value in arguments.values:
        changed = type(section).model_validate(
            section.model_dump()
            | (value if isinstance(value, dict) else {arguments.setting: value}),
            context={"base": study.folder},
        )
        learner = make_learner(changed)
        for way, groups in _ways(table.n_tasks).items():
            fits = [
                Model("", members).fit(table.n_tasks, settings.plan.subset_level, one)
                for one in repeats
                for members in groups
            ]
            results = _results(learner, table, fits)
            figures = [f"{_mean(results, use, name):.4f}" for use in uses for name in shown]
            rows.append([str(value), way, *figures])
    header = [
        arguments.setting, "way", *(f"{use} {SCORES[s].label}" for use in uses for s in shown)
    ]  # fmt: skip
    print(markdown(str(arguments.study), header, rows))


def _ways(n_tasks: int) -> dict[str, list[tuple[int, ...]]]:
    return {"together": [tuple(range(n_tasks))], "single": [(task,) for task in range(n_tasks)]}


def _results(learner: Learner, table: TaskTable, fits: list[Fit]) -> list[FitResult]:
    found = []
    for outcome in learner.evaluate(table, fits):
        if isinstance(outcome, FitFailure):
            raise SystemExit(outcome.reason)
        found.append(outcome)
    return found


def _mean(results: list[FitResult], use: str, score: str) -> float:
    """Over tasks and repeats; tasks without the score are left out."""
    values = np.concatenate([getattr(one, use)[:, list(SCORES).index(score)] for one in results])
    return float(np.nanmean(values))


if __name__ == "__main__":
    main()
