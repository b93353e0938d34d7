"""Studies of two to four tasks, all of whose subsets are trained."""

import json

import pandas as pd
import pytest
from commands import run_stages, succeed
from small_study import MADE, change_params

from cotrain.init import make_study

CHANGES = {
    **MADE,
    "fetch.n_examples": 600,
    "fetch.n_clusters": 1,
    "fetch.harmful_tasks": 0,
    "fetch.n_features": 16,
    "learners": {"linear": {"kind": "linear"}, "network": {"kind": "network", "hidden": [8]}},
    "plan.affinity.repeats": 1,
    "plan.augmentations.levels": [3],
    "group.trials": 20,
    "validate.repeats": 2,
}


@pytest.mark.parametrize("n_tasks", [2, 3, 4])
def test_few_tasks_from_fetch_to_report(tmp_path, n_tasks):
    study = tmp_path / "study"
    make_study(study)
    change_params(study, CHANGES | {"fetch.n_tasks": n_tasks, "group.max_groups": n_tasks})
    run_stages(study)
    relevance = pd.read_csv(study / "data/analysis/relevance.csv")
    assert len(relevance) == n_tasks * (n_tasks - 1)
    assert relevance["relevance"].notna().all()
    grouping = json.loads((study / "data/grouping/grouping.json").read_text())
    assert set(grouping["served_by"]) == {f"task_{task}" for task in range(n_tasks)}
    assert "What should be trained" in succeed(study, "summary")


def test_a_study_without_one_fold_more(tmp_path):
    study = tmp_path / "study"
    make_study(study)
    more = {"fetch.n_tasks": 4, "group.max_groups": 4, "plan.augmentations.sources": "none"}
    change_params(study, CHANGES | more)
    run_stages(study)
    fits = pd.read_parquet(study / "data/fits/augmentations.parquet")
    assert len(fits)
    assert fits["auxiliary"].isna().all()
    assert "statTAG" not in set(pd.read_csv(study / "data/analysis/costs.csv")["measure"])
    assert pd.read_csv(study / "data/analysis/next_labels.csv")["gain"].notna().all()
    report = (study / "reports/report.html").read_text(encoding="utf-8")
    assert "No task was given one fold more" in report
