"""How many questions each design decides in an hour of training, and how many hold elsewhere.

    python benchmarks/decisions.py STUDY [--learner NAME] [--repeats 8] [--families families.csv]
    python benchmarks/decisions.py STUDY --hours

STUDY is a prepared study. Half of the repeats decide at a false discovery rate of 5 %, the other
half, whose validation folds differ, confirm by the sign. Hours are those of one core, by the
learner's cost model, for the deciding half. What was trained is kept in decisions-NAME.parquet
here: a run goes on after a kill.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from company import SHOWN, named_groups
from cotrain.allocation import Fit, augmentations, random_subsets, subset_fits
from cotrain.analysis import Observations, affinity_table, subset_relevance, task_clusters
from cotrain.curves import cluster_effects, pairwise_effects, together_effects
from cotrain.gradients import load_records
from cotrain.means import mean_known
from cotrain.settings import Settings
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tables import pair_matrix
from cotrain.tasks import TaskTable, file_version
from cotrain.training import estimate_seconds, make_learner
from curves_study import markdown
from lab.kept_fits import kept_scores

Judged = tuple[np.ndarray, np.ndarray]  # verdicts and effects, of any one shape
Judge = Callable[[Observations], Judged]


def groups_of(study: Study, table: TaskTable, families: Path | None) -> dict[str, list[list[int]]]:
    """What is asked as one question: families by name, tasks whose labels or gradients go together.

    By gradients a group has four tasks on average, as kinase families of KIBA244 have.
    """
    n_test = study.settings.plan.test_folds
    found = {
        "labels that correlate": task_clusters(table.labels, table.folds < table.n_folds - n_test)
    }
    if records := load_records(study.affinity):
        cosine = pair_matrix(affinity_table(records, table.tasks), table.tasks, "cosine")
        distance = 1 - np.nan_to_num(cosine + cosine.T) / 2
        np.fill_diagonal(distance, 0.0)
        tree = linkage(squareform(distance, checks=False), "average")
        group = fcluster(tree, table.n_tasks // 4, "maxclust")
        alike = (np.flatnonzero(group == number).tolist() for number in np.unique(group))
        found["gradients that agree"] = [
            tasks for tasks in alike if 1 < len(tasks) < len(group) - 1
        ]
    if families is not None:
        found["family"] = named_groups(families, table.tasks)
    return {name: groups for name, groups in found.items() if groups}


def designs(
    level: int, levels: Sequence[int], groups: dict[str, list[list[int]]], n_tasks: int
) -> dict[tuple[str, str], Judge]:
    """How questions are judged, by what is asked and of which fits."""
    every = {"task": [[task] for task in range(n_tasks)], **groups}
    return {
        ("pair", "subsets"): lambda seen: by_subsets(seen, level),
        ("pair", "a fold more"): lambda seen: by_folds(seen, levels),
        **{
            (name, "a fold more"): lambda seen, of=of: by_clusters(seen, levels, of)
            for name, of in groups.items()
        },
        **{
            (name, "all, not alone"): lambda seen, of=of: by_company(seen, level, of)
            for name, of in every.items()
        },
    }


def by_subsets(seen: Observations, level: int) -> Judged:
    found = subset_relevance(seen.subsets(level), "evidence", 0.05)
    return found.verdict, found.estimate


def by_folds(seen: Observations, levels: Sequence[int]) -> Judged:
    found = pairwise_effects(*_grid(seen, levels))
    off = ~np.eye(len(found.effect), dtype=bool)
    return found.verdict[off], found.effect[off]


def by_clusters(
    seen: Observations, levels: Sequence[int], groups: Sequence[Sequence[int]]
) -> Judged:
    found = cluster_effects(*_grid(seen, levels), groups)
    return found.verdict, found.effect


def by_company(seen: Observations, level: int, groups: Sequence[Sequence[int]]) -> Judged:
    """What groups gain with all tasks instead of alone, on average over their members.

    Means over more tasks vary less: brought to the noise of one task they steady each other.
    """
    whole = seen.subsets(level)
    gain = whole.together - whole.single
    means = [np.sqrt(len(group)) * mean_known(gain[:, group], axis=1) for group in groups]
    mean = np.stack(means, axis=1)[:, None]
    found = together_effects(np.zeros_like(mean), mean)
    return found.verdict, found.effect


def _grid(seen: Observations, levels: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    grid = seen.grid(levels, 1 + max(fit.repeat for fit in seen.fits))
    return grid.baseline, grid.augmented


def fits_of(settings: Settings, n_tasks: int, n_repeats: int) -> dict[str, list[Fit]]:
    """The fits of each design."""
    plan = settings.plan
    repeats = study_repeats(settings, n_repeats, plan.seed)
    largest = min(plan.subsets.max_size, n_tasks - 1)
    sizes = plan.subsets.n_subsets, plan.subsets.min_size, largest
    subsets = random_subsets(n_tasks, *sizes, plan.seed)
    return {
        "all, not alone": subset_fits(n_tasks, plan.subset_level, [], repeats),
        "subsets": subset_fits(n_tasks, plan.subset_level, subsets, repeats),
        "a fold more": augmentations(n_tasks, plan.augmentations.levels, repeats),
    }


def half_of(seen: Observations, first: int, last: int) -> Observations:
    """The repeats from `first` to before `last`, counted anew."""
    chosen = [at for at, fit in enumerate(seen.fits) if first <= fit.repeat < last]
    fits = tuple(replace(seen.fits[at], repeat=seen.fits[at].repeat - first) for at in chosen)
    return Observations(fits, seen.counts[chosen], seen.scores[chosen])


def judged(judge: Judge, seen: Observations, n_repeats: int, hours: float) -> list[object]:
    half = n_repeats // 2
    verdict, effect = judge(half_of(seen, 0, half))
    _, again = judge(half_of(seen, half, n_repeats))
    asked = np.isfinite(effect)
    decided = asked & np.isin(verdict, ("helps", "hurts"))
    same = (np.sign(effect) == np.sign(again))[decided].sum()
    n = int(decided.sum())
    return [
        f"{asked.sum():,}", n, (verdict[decided] == "helps").sum(),
        f"{same} of {n}" if n else "none to confirm", f"{hours:.3f}", f"{same / hours:,.0f}",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--learner", help="one of the study's; `plan.learner` if not given")
    parser.add_argument("--families", type=Path, help="a table of tasks and their family")
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--hours", action="store_true", help="say alone what each design takes")
    options = parser.parse_args()
    study = Study(options.study)
    table, settings = TaskTable.load(study.table), study.settings
    name = options.learner or settings.plan.learner
    learner = make_learner(settings.learners[name])
    fits = fits_of(settings, table.n_tasks, options.repeats)
    hours = {
        design: estimate_seconds(
            learner, table, [fit for fit in some if fit.repeat < options.repeats // 2]
        ).sum() / 3600
        for design, some in fits.items()
    }  # fmt: skip
    if options.hours:
        lines = [[design, len(fits[design]) // 2, f"{took:.3f}"] for design, took in hours.items()]
        print(markdown(f"{name}: half of the repeats", ["asked of", "fits", "hours"], lines))
        return
    every = list(dict.fromkeys(fit for some in fits.values() for fit in some))
    kept = Path(f"decisions-{name}.parquet")
    seen = kept_scores(kept, learner, table, file_version(study.table), every)
    groups = groups_of(study, table, options.families)
    levels = settings.plan.subset_level, settings.plan.augmentations.levels
    lines = [
        [
            asked,
            of,
            score.replace("_", " "),
            *judged(judge, seen[score], options.repeats, hours[of]),
        ]
        for score in SHOWN[bool(table.is_binary.all())]
        for (asked, of), judge in designs(*levels, groups, table.n_tasks).items()
    ]
    header = ["question", "asked of", "score", "questions", "decided", "helps", "confirmed",
              "hours", "confirmed an hour"]  # fmt: skip
    print(markdown(f"{name}: what is decided by {options.repeats // 2} repeats", header, lines))


if __name__ == "__main__":
    main()
