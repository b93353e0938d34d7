"""Gradient affinities, recorded along all-together fits."""

from tqdm import tqdm

from cotrain.affinity import record_affinity
from cotrain.allocation import all_together
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable


def run(study: Study) -> str:
    settings = study.settings
    plan, recorded = settings.plan, settings.plan.affinity
    table = TaskTable.load(study.table)
    repeats = study_repeats(settings, recorded.repeats, plan.seed)
    fits = all_together(table.n_tasks, plan.subset_level, repeats)
    for fit in tqdm(fits, "affinity", disable=None, delay=2):
        record = record_affinity(
            table,
            fit,
            settings.model,
            every=recorded.every,
            mode=recorded.mode,
            heads_step=recorded.heads_step,
        )
        record.save(study.affinity / f"repeat_{fit.repeat}.npz")
    n_pairs = table.n_tasks * (table.n_tasks - 1)
    return f"affinity: {n_pairs} pairs recorded along {len(fits)} fits"
