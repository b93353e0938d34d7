"""Groupings of three, ten and thirty models, trained with fresh seeds for test labels.

`cotrain validate` compares groupings at one budget; here each budget has its own: the best by the
surrogates, the best by gradient affinity, a clustering of the surrogates' pairs, and random ones.
One model is all together.
"""

import numpy as np
import pandas as pd
from _fits import STUDY, train

from cotrain.allocation import rotations, subset_fit
from cotrain.files import write_json
from cotrain.grouping import (
    AffinityValue,
    Constraints,
    Grouping,
    LinearValue,
    Objective,
    affinity_clusters,
    fill_unknown_pairs,
    greedy_groups,
    random_groupings,
    single_tasks,
    together,
)
from cotrain.scores import find_score
from cotrain.tasks import TaskTable
from cotrain.training import save_fit_table

BUDGETS = (3, 10, 30)
N_RANDOM = 3


def values(tasks: list[str]) -> tuple[LinearValue, AffinityValue]:
    """What the surrogates say a group is worth, and what the gradient affinities say."""
    surrogates = pd.read_csv(STUDY.analysis / "surrogates.csv")
    relevance = _matrix(STUDY.analysis / "relevance.csv", "relevance", tasks)
    affinity = _matrix(STUDY.analysis / "affinity.csv", "affinity", tasks)
    alone = np.zeros(len(tasks))
    sign = find_score(STUDY.settings.analyze.score).sign
    return (
        LinearValue(sign * surrogates["intercept"].to_numpy(), relevance),
        AffinityValue(fill_unknown_pairs(affinity), self_scores=alone),
    )


def _matrix(path, column: str, tasks: list[str]) -> np.ndarray:
    """[target, source]; NaN where unknown."""
    values = pd.read_csv(path).set_index(["target", "source"])[column]
    every = pd.MultiIndex.from_product([tasks, tasks])
    return values.reindex(every).to_numpy().reshape(len(tasks), len(tasks))


def groupings(tasks: list[str], seed: int) -> dict[str, list[Grouping]]:
    """Groupings by `way, number of models`; several where they are random."""
    n_tasks = len(tasks)
    surrogate, affinity = values(tasks)
    found = {"single-task": [single_tasks(n_tasks)], "all together": [together(n_tasks)]}
    for n_models in BUDGETS:
        rules = Constraints(max_groups=n_models)
        best = greedy_groups(Objective(surrogate, rules), seed=seed, starts=1).groups
        found[f"recommended, {n_models}"] = [best]
        by_affinity = greedy_groups(Objective(affinity, rules), seed=seed, starts=1).groups
        found[f"gradient affinity, {n_models}"] = [by_affinity]
        found[f"clustering, {n_models}"] = [affinity_clusters(surrogate, n_models, seed=seed)]
        found[f"random, {n_models}"] = random_groupings(best, n_tasks, count=N_RANDOM, seed=seed)
    return found


def main() -> None:
    settings = STUDY.settings
    plan, validate = settings.plan, settings.validate_
    tasks = list(TaskTable.load(STUDY.table).tasks)
    found = groupings(tasks, settings.group.seed)
    groups = dict.fromkeys(group for ways in found.values() for one in ways for group in one)
    # The repeats of `cotrain validate`: what it trained already is not trained again.
    repeats = rotations(
        settings.prepare.n_folds, plan.train_folds, plan.test_folds, validate.repeats,
        validate.seed, plan.rotate,
    )  # fmt: skip
    fits = [
        subset_fit(len(tasks), group, plan.subset_level, repeat, "group")
        for repeat in repeats
        for group in groups
    ]
    save_fit_table(STUDY.fits("budgets"), train("budgets", fits, STUDY.table))
    write_json(
        STUDY.grouping.parent / "budgets" / "groupings.json",
        {
            way: [[[tasks[task] for task in group] for group in one] for one in ones]
            for way, ones in found.items()
        },
    )


if __name__ == "__main__":
    main()
