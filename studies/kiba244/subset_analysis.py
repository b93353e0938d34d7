"""What subsets and statTAG tell: `python subset_analysis.py`, in the place of `cotrain analyze`.

That stage wants the learning curves of each target alone too, 2,868 fits. This one trains what
statTAG needs of the plan `augmentations`. Into `data/analysis` goes what `cotrain group` reads, and
pairs, clusters and families beside it.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from cotrain import analysis as tools
from cotrain import tables
from cotrain.allocation import Plan
from cotrain.files import write_csv, write_json
from cotrain.gradients import load_records
from cotrain.stages._sweep import Trainer
from cotrain.study import Study
from cotrain.training import load_fit_table, save_fit_table

HERE = Path(__file__).parent
STUDY = Study(HERE)


def observe(trainer: Trainer, name: str, plan: Plan, score: str) -> tools.Observations:
    """The scores of the fits of a plan."""
    table, rows = trainer.table, load_fit_table(STUDY.fits(name))
    return tools.Observations.of(rows, plan.fits, table.tasks, table.label_counts, score)


def subsets(trainer: Trainer) -> set[str]:
    """Write what subsets tell; the targets that are learnt for certain."""
    settings, tasks = STUDY.settings, trainer.table.tasks
    options, level = settings.analyze, settings.plan.subset_level
    seen = {
        (name, score): observe(trainer, name, Plan.load(STUDY.plan(name)), score).subsets(level)
        for name, score in (
            ("subsets", options.score), ("subsets", "d2"), ("placebo", options.score)
        )
    }  # fmt: skip
    own = seen["subsets", options.score]
    found = tools.SubsetAnalysis.of(own, tasks, trainer.table.label_counts.sum(axis=1), options)
    skill = tools.skilled_tasks(seen["subsets", "d2"], tasks, options.fdr)
    skilled = set(skill.loc[skill["skilled"], "task"])
    permuted = tools.subset_relevance(seen["placebo", options.score], options.ridge, options.fdr)
    written = found.tables()
    written["relevance"] = tools.withhold(
        written["relevance"], tools.relevance_table(permuted, tasks), skilled, options.fdr
    )
    written["subset_scores"] = tools.subset_score_table(own, tasks, options.score)
    written["affinity"] = tools.affinity_table(load_records(STUDY.affinity), tasks)
    written["task_skill"] = skill
    tables.write_all(STUDY.analysis, written)
    summary = {"score": options.score, **found.summary(), "skill_tasks": len(skilled)}
    write_json(STUDY.analysis / "summary.json", summary)
    return skilled


def stattag(trainer: Trainer, skilled: set[str]) -> None:
    """Train the statTAG fits and write what they tell of pairs, of clusters and of families."""
    settings, table = STUDY.settings, trainer.table
    grid, tasks, fdr = settings.plan.augmentations, table.tasks, settings.analyze.fdr
    plan = Plan(
        "stattag",
        {
            key: fit
            for key, fit in Plan.load(STUDY.plan("augmentations")).fits.items()
            if fit.level in grid.levels and len(fit.members) == len(tasks)
        },
    )
    save_fit_table(STUDY.fits("stattag"), trainer.train(plan))
    test = next(iter(plan.fits.values())).folds.test
    families = pd.read_csv(HERE / "families.csv").set_index("uniprot")["family"].reindex(tasks)
    kin = [np.flatnonzero(families == name).tolist() for name in families.dropna().unique()]
    asked = {
        "clusters": tools.task_clusters(table.labels, ~np.isin(table.folds, test)),
        "families": [members for members in kin if len(members) > 1],
    }
    for score in ("auroc", "log_loss"):
        scores = observe(trainer, "stattag", plan, score).grid(grid.levels, grid.repeats)
        pairs = tools.pairwise_tables(scores, tasks, fdr)[0]
        pairs = tools.withhold(pairs, None, skilled, fdr)
        write_csv(STUDY.analysis / f"stattag_{score}.csv", pairs)
        for name, members in asked.items():
            found = tools.cluster_table(scores, members, tasks, fdr)
            write_csv(STUDY.analysis / f"{name}_{score}.csv", found)


if __name__ == "__main__":
    found = Trainer.of(STUDY)
    stattag(found, subsets(found))
