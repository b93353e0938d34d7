import json

import numpy as np
import pytest

from cotrain.tracking import Tracker
from cotrain.tracking._server import _command, _environment


def kinds_of(tracker: Tracker) -> dict:
    query = "tags.`cotrain.role` = 'kind'"
    found = tracker._client.search_runs([tracker.experiment_id], query)
    return {run.info.run_name: run for run in found}


def test_a_kind_is_the_mean_over_its_fits_with_all_tasks_weighing_alike(tracker, make_fits):
    rows = make_fits(4).assign(kind="subset", level=2)
    rows = rows[~((rows["task"] == "a") & (rows["fit_id"] > rows["fit_id"].min()))]
    tracker.prepare_dashboard(rows)
    (kind,) = kinds_of(tracker).values()
    by_task = rows.groupby("task")["val_auroc"].mean()
    assert kind.data.metrics["val_auroc"] == pytest.approx(np.mean(by_task))
    assert kind.data.metrics["val_auroc/b"] == pytest.approx(by_task["b"])
    assert kind.data.metrics["n_fits"] == 4
    assert "val_mse" not in kind.data.metrics
    assert kind.data.params == {"kind": "subset", "level": "2"}


def test_preparing_again_changes_only_what_changed(tracker, make_fits):
    rows = make_fits(5)
    tracker.prepare_dashboard(rows)
    first = kinds_of(tracker)
    tracker.prepare_dashboard(rows)
    assert {n: r.info.run_id for n, r in kinds_of(tracker).items()} == {
        n: r.info.run_id for n, r in first.items()
    }
    tracker.prepare_dashboard(rows[rows["kind"] != "level"])
    assert set(first) - set(kinds_of(tracker)) == {"level, level 0"}


def test_recorded_fits_are_the_default(tracker, make_fits, run):
    tracker.log_fits(make_fits(5), run)
    assert not tracker.has_dashboard()
    tracker.prepare_dashboard()
    assert tracker.has_dashboard()
    assert len(kinds_of(tracker)) == 5


def test_runs_of_kinds_are_no_fits(tracker, make_fits, run):
    tracker.log_fits(make_fits(2), run)
    tracker.prepare_dashboard()
    assert tracker.fit_scores()["fit_id"].nunique() == 2


def test_the_view_charts_metrics_that_runs_have(tracker, make_fits, run):
    tracker.log_fits(make_fits(5), run)
    tracker.prepare_dashboard()
    tags = tracker._client.get_experiment(tracker.experiment_id).tags
    view = json.loads(tags["mlflow.sharedViewState.cotrain-kinds"])
    metrics = set.intersection(*(set(r.data.metrics) for r in kinds_of(tracker).values()))
    charted = {c["metricKey"] for c in view["compareRunCharts"] if c["type"] == "BAR"}
    charted |= {
        c[axis]["key"]
        for c in view["compareRunCharts"]
        if c["type"] == "SCATTER"
        for axis in ("xaxis", "yaxis")
    }
    assert {"val_log_loss", "val_auroc"} < charted <= metrics
    sections = {section["uuid"] for section in view["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in view["compareRunCharts"]} <= sections
    assert tracker._client.search_runs([tracker.experiment_id], view["searchFilter"])


def test_the_address_opens_the_view(tracker):
    assert tracker.dashboard_url("http://127.0.0.1:5000/") == (
        f"http://127.0.0.1:5000/#/experiments/{tracker.experiment_id}/runs"
        "?workflowType=machine_learning&viewStateShareKey=cotrain-kinds&compareRunsMode=CHART"
    )


def test_an_empty_experiment_has_a_dashboard_too(tracker):
    tracker.prepare_dashboard()
    assert kinds_of(tracker) == {}


def test_the_server_listens_on_loopback_alone(home):
    command = _command(f"sqlite:///{home}/mlflow.db", 5001)
    assert command[command.index("--host") + 1] == "127.0.0.1"


def test_the_server_s_arguments_hold_no_password():
    uri = "postgresql://me:secret@127.0.0.1/runs"
    assert "secret" not in " ".join(_command(uri, 5001))
    assert _environment(uri)["MLFLOW_BACKEND_STORE_URI"] == uri
