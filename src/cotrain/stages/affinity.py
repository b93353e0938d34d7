"""Gradient affinities, recorded along all-together fits."""

from cotrain.gradients import record_affinity
from cotrain.progress import Progress
from cotrain.stages._context import log_summary
from cotrain.stages._learners import study_learners
from cotrain.stages._repeats import recorded_fits
from cotrain.study import Study
from cotrain.tasks import TaskTable
from cotrain.training.network import NetworkSettings, TrunkSettings


def run(study: Study) -> str:
    settings = study.settings
    recorded = settings.plan.affinity
    table = TaskTable.load(study.table)
    # An empty folder says that affinities were asked for and that there are none.
    study.affinity.mkdir(parents=True, exist_ok=True)
    for stale in study.affinity.glob("repeat_*.npz"):
        stale.unlink()
    fits = recorded_fits(settings, table.n_tasks)
    model = study_learners(study)[fits[0].learner].settings
    if not isinstance(model, NetworkSettings | TrunkSettings):
        return "affinity: the learner has no gradients to record"
    how = recorded.model_dump(include={"every", "mode", "heads_step"})
    records = []
    with Progress(f"affinity: {len(fits)} fits", len(fits)) as progress:
        for fit in fits:
            record = record_affinity(table, fit, model, **how)
            record.save(study.affinity / f"repeat_{fit.repeat}.npz")
            records.append(record)
            progress.add()
    # What the fits and the recording took, to MLflow; files hold no seconds.
    costs = {
        name: float(sum(getattr(record, name) for record in records))
        for name in ("seconds", "record_seconds", "flops", "record_flops")
    }
    log_summary(study, "affinity", {"n_fits": len(records), **costs})
    n_pairs = table.n_tasks * (table.n_tasks - 1)
    return f"affinity: {n_pairs} pairs recorded along {len(fits)} fits"
