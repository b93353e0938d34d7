import pandas as pd
import pytest
from commands import succeed
from small_study import SMALL, change_params

from cotrain.allocation import WAYS
from cotrain.gradients import AffinityRecord, load_records
from cotrain.init import make_study
from cotrain.stages._learners import study_learners
from cotrain.stages.analyze import measure_costs
from cotrain.stages.plan import make_plans
from cotrain.study import Study
from cotrain.tasks import TaskTable
from cotrain.tracking import Tracker
from cotrain.training import make_learner

N_TASKS, N_SUBSETS = 4, 5
KNOWN = {f"network/{way}": {} for way in WAYS}
FEW = {
    "fetch.n_examples": 300,
    "fetch.n_tasks": N_TASKS,
    "fetch.n_clusters": 2,
    "learners.network.hidden": [8, 6],
    "learners.network.epochs": 2,
    "plan.subsets.n_subsets": N_SUBSETS,
    "plan.subsets.max_size": 3,
    "plan.augmentations.repeats": 3,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study whose affinities are recorded; 2 repeats of subsets, 3 of levels 1 and 2."""
    folder = tmp_path_factory.mktemp("costs")
    make_study(folder)
    change_params(folder, SMALL | FEW)
    for stage in ("fetch", "prepare", "affinity"):
        succeed(folder, stage)
    return Study(folder)


@pytest.fixture(scope="module")
def records(study: Study) -> list[AffinityRecord]:
    return load_records(study.affinity)


@pytest.fixture(scope="module")
def costs(study: Study, records: list[AffinityRecord]) -> pd.DataFrame:
    table = TaskTable.load(study.table)
    plans = {plan.name: plan for plan in make_plans(study.settings, N_TASKS, "version", KNOWN)}
    learners = study_learners(study)
    return measure_costs(study.settings, table, plans, records, learners).set_index("measure")


def test_fits_are_those_that_a_measure_rests_on(costs: pd.DataFrame) -> None:
    assert costs["n_fits"].to_dict() == {
        "affinity": 2,
        "surrogate relevance": 2 * (N_SUBSETS + N_TASKS),
        # A level for itself and with each task one fold further; 3 repeats of 2 levels.
        "statTAG": 3 * 2 * (1 + N_TASKS),
    }


def test_operations_counted_before_training_are_those_counted_along_it(
    study: Study, records: list[AffinityRecord], costs: pd.DataFrame
) -> None:
    table = TaskTable.load(study.table)
    plans = make_plans(study.settings, N_TASKS, "version", KNOWN)
    together = [fit for fit in plans[0].fits.values() if fit.kind == "together"]
    counted = make_learner(study.settings.learner).operations(table, together)
    assert counted.tolist() == [record.flops for record in records]
    assert make_learner(study.settings.learner).operations(table, []).size == 0
    recording = sum(record.record_flops for record in records)
    assert recording > 0
    assert costs.loc["affinity", "gflop"] == pytest.approx((counted.sum() + recording) / 1e9)
    seconds = make_learner(study.settings.learner).cost(table, together).sum()
    assert costs.loc["affinity", "seconds"] == pytest.approx(
        seconds * (1 + recording / counted.sum())
    )


def test_what_a_clock_says_goes_to_mlflow(study: Study, records: list[AffinityRecord]) -> None:
    tracker = Tracker.open(study.home)
    runs = tracker._client.search_runs([tracker.experiment_id])
    (figures,) = [run.data.metrics for run in runs if "record_seconds" in run.data.metrics]
    assert figures["seconds"] > 0
    assert figures["record_seconds"] > 0
    assert figures["n_fits"] == 2
    assert figures["record_flops"] == sum(record.record_flops for record in records)
