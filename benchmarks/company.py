"""What clusters of tasks gain in company, held against other folds.

    python benchmarks/company.py STUDY [--families families.csv] [--repeats 8]

STUDY is a prepared study. Each task is trained alone, with its cluster, and with all, and a cluster
is one question: what its tasks gain on average. Clusters are those of `task_clusters`, families by
name (a table of two columns, task and family), and random sets of the families' sizes. Half of the
repeats decide; a verdict is confirmed if the other half, whose validation folds differ, has the
same sign. What was trained is kept in company.parquet here: a run goes on after a kill.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.allocation import subset_fits
from cotrain.analysis import SubsetScores, task_clusters
from cotrain.curves import together_effects
from cotrain.means import mean_known
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.training import make_learner
from curves_study import markdown
from lab.kept_fits import kept_scores

# Scores to tell of binary tasks, and of real values.
SHOWN = {True: ("auroc", "log_loss"), False: ("r2", "rae")}
KEPT = Path("company.parquet")
Members = tuple[int, ...]


def named_groups(families: Path, tasks: Sequence[str]) -> list[list[int]]:
    """Tasks of one family, by a table of tasks and their `family`."""
    named = pd.read_csv(families)
    family = named.set_index(named.columns[0])["family"].reindex(tasks)
    kin = (np.flatnonzero(family == name).tolist() for name in family.dropna().unique())
    return [members for members in kin if len(members) > 1]


def asked(table: TaskTable, n_test: int, families: Path | None) -> dict[str, list[Members]]:
    """The clusters of each kind; random sets have no task of the cluster whose size they have."""
    found = {"labels correlate": task_clusters(table.labels, table.folds < table.n_folds - n_test)}
    if families is not None:
        found["families"] = named_groups(families, table.tasks)
    rng = np.random.default_rng(0)
    found["random"] = [
        sorted(rng.choice(np.setdiff1d(range(table.n_tasks), one), len(one), replace=False))
        for one in found.get("families", found["labels correlate"])
    ]
    return {name: [tuple(map(int, one)) for one in kind] for name, kind in found.items() if kind}


def scores_by_members(seen: SubsetScores) -> dict[Members, np.ndarray]:
    """Scores (R, K), higher is better, of the fits of each set of tasks; NaN for the others."""
    return {
        tuple(np.flatnonzero(row).tolist()): seen.scores[:, at]
        for at, row in enumerate(seen.indicators)
    }


def judged(gains: list[np.ndarray]) -> list[object]:
    """What half of the repeats decides of clusters' `gains`, (R, size) each, and the other half.

    Means over more tasks vary less: brought to the noise of one task they steady each other.
    """
    size = np.array([gain.shape[1] for gain in gains])
    mean = np.sqrt(size) * np.stack([mean_known(gain, axis=1) for gain in gains], axis=1)
    half = len(mean) // 2
    found = together_effects(np.zeros_like(mean[:half, None]), mean[:half, None])
    decided = np.isin(found.verdict, ("helps", "hurts"))
    same = np.sign(found.effect) == np.sign(mean_known(mean[half:]))
    share = f"{same[decided].sum()} of {decided.sum()}" if decided.any() else "none to confirm"
    return [
        len(size), size.max(), f"{mean_known(found.effect / np.sqrt(size)):+.4f}", decided.sum(),
        (found.verdict == "helps").sum(), share, f"{same[~decided].mean():.2f}",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--families", type=Path, help="a table of tasks and their family")
    parser.add_argument("--repeats", type=int, default=8)
    options = parser.parse_args()
    study = Study(options.study)
    table, settings = TaskTable.load(study.table), study.settings
    clusters = asked(table, settings.plan.test_folds, options.families)
    repeats = study_repeats(settings, options.repeats, settings.plan.seed)
    sets = sorted({one for kind in clusters.values() for one in kind})
    fits = subset_fits(table.n_tasks, settings.plan.subset_level, sets, repeats)
    learner, version = make_learner(settings.learner), file_version(study.table)
    seen = kept_scores(KEPT, learner, table, version, list(dict.fromkeys(fits)))
    every, lines = tuple(range(table.n_tasks)), []
    for score in SHOWN[bool(table.is_binary.all())]:
        scores = scores_by_members(seen[score].subsets(settings.plan.subset_level))
        together = scores[every]
        alone = mean_known([scores[task,] for task in every])
        for name, found in clusters.items():
            within = [scores[one] for one in found]
            for said, before, after in (
                ("cluster, not alone", [alone] * len(found), within),
                ("all, not alone", [alone] * len(found), [together] * len(found)),
                ("all, not cluster", within, [together] * len(found)),
            ):
                gains = [
                    (b - a)[:, one]
                    for one, a, b in zip(map(list, found), before, after, strict=True)
                ]
                lines.append([said, name, score.replace("_", " "), *judged(gains)])
    header = ["trained with", "clusters", "score", "how many", "largest", "mean gain", "decided",
              "helps", "confirmed", "same sign among the others"]  # fmt: skip
    print(markdown("Clusters of tasks in company", header, lines))


if __name__ == "__main__":
    main()
