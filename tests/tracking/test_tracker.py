import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from cotrain.exceptions import SettingsError, TrackingError
from cotrain.tracking import RunContext, Tracker, open_tracker, serve
from cotrain.tracking._store import Store

FIT_COLUMNS = ["fit_id", "kind", "repeat", "members", "level", "auxiliary", "task", "n_labels"]


def through_client(tracker: Tracker) -> Tracker:
    """The same tracker, taking the way that it takes to a server."""
    tracker._store = Store(tracker.uri, tracker.experiment_id)
    return tracker


def runs_of(tracker: Tracker) -> list:
    return list(tracker._client.search_runs([tracker.experiment_id], max_results=5000))


def expected_scores(rows: pd.DataFrame, run: RunContext) -> pd.DataFrame:
    columns = FIT_COLUMNS + [f"val_{score}" for score in run.scores]
    return rows[columns].sort_values(["fit_id", "task"], ignore_index=True)


@pytest.fixture(params=["bulk", "client"])
def either(request, tracker) -> Tracker:
    return tracker if request.param == "bulk" else through_client(tracker)


def test_scores_come_back_to_the_bit(either, make_fits, run):
    rows = make_fits(6)
    assert either.log_fits(rows, run) == 6
    pd.testing.assert_frame_equal(
        either.fit_scores()[[*FIT_COLUMNS, "val_log_loss", "val_auroc"]],
        expected_scores(rows, run),
        check_exact=True,
        check_dtype=False,
    )


def test_extreme_scores_come_back(either, make_fits, run):
    rows = make_fits(2)
    rows.loc[:3, "val_log_loss"] = [np.inf, 5e-324, 1.7976931348623155e308, 1 / 3]
    either.log_fits(rows, run)
    got = either.fit_scores().set_index(["fit_id", "task"])["val_log_loss"]
    want = rows.set_index(["fit_id", "task"])["val_log_loss"]
    pd.testing.assert_series_equal(got.loc[want.index], want, check_exact=True)


def test_only_the_fits_asked_for_are_read(either, make_fits, run):
    rows = make_fits(4)
    either.log_fits(rows, run)
    wanted = rows["fit_id"].unique()[[1, 3]]
    assert set(either.fit_scores(wanted)["fit_id"]) == set(wanted)
    assert either.fit_scores([]).empty
    assert list(either.fit_scores([]).columns[:8]) == FIT_COLUMNS


def test_both_ways_leave_the_same_runs(template, tmp_path, make_fits, run):
    rows = make_fits(5)
    failures = make_fits(1, seed=9).head(1).assign(reason="singular matrix")
    seen = []
    for way in (lambda tracker: tracker, through_client):
        home = tmp_path / way.__name__.strip("<>") / "study"
        home.mkdir(parents=True)
        shutil.copy(template, home / "mlflow.db")
        tracker = way(Tracker.open(home))
        tracker.log_fits(rows, run)
        tracker.log_failures(failures, run)
        seen.append({r.data.tags["cotrain.fit_id"]: r for r in runs_of(tracker)})
        histories = [
            tracker._client.get_metric_history(r.info.run_id, key)
            for r in runs_of(tracker)
            for key in r.data.metrics
        ]
        assert all(len(history) == 1 and history[0].step == 0 for history in histories)
    bulk, client = seen
    assert bulk.keys() == client.keys()
    for fit_id, left in bulk.items():
        right = client[fit_id]
        assert left.data.params == right.data.params
        assert left.data.metrics == right.data.metrics
        assert left.data.tags == right.data.tags
        assert left.inputs.to_dictionary() == right.inputs.to_dictionary()
        for name in ("run_name", "status", "lifecycle_stage", "user_id", "experiment_id"):
            assert getattr(left.info, name) == getattr(right.info, name), name
        assert left.info.end_time >= left.info.start_time > 0
        for one in (left, right):
            assert one.info.artifact_uri.endswith(f"{one.info.run_id}/artifacts")


def test_a_run_holds_what_the_fit_was(tracker, make_fits, run, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "wild-goat")
    rows = make_fits(5)
    tracker.log_fits(rows, run)
    last = rows["fit_id"].iloc[-1]
    stored = next(r for r in runs_of(tracker) if r.data.tags["cotrain.fit_id"] == last)
    tags, params, metrics = stored.data.tags, stored.data.params, stored.data.metrics
    fit = rows[rows["fit_id"] == last]
    assert tags["cotrain.kind"] == params["kind"] == "augmentation"
    assert tags["cotrain.auxiliary"] == params["auxiliary"] == "c"
    assert tags["cotrain.task_weights"] == params["task_weights"] == "0.5 1.5 1.0"
    assert tags["cotrain.level"] == params["level"] == "1"
    assert tags["cotrain.members"] == "7"
    assert tags["cotrain.data_version"] == run.data_version
    assert tags["mlflow.source.git.commit"] == run.git_commit
    assert tags["DVC_EXP_NAME"] == "wild-goat"
    assert tags["cotrain.complete"] == "true"
    assert params["model.hidden"] == "[256]"
    assert metrics["val_log_loss"] == pytest.approx(fit["val_log_loss"].mean(), rel=1e-14)
    assert metrics["val_auroc"] == pytest.approx(fit["val_auroc"].mean(), rel=1e-14)  # one is NaN
    assert metrics["test_aupr"] == pytest.approx(fit["test_aupr"].mean(), rel=1e-14)
    assert "val_mse" not in metrics
    assert "val_auroc/c" not in metrics
    assert not any(key.startswith("test_") and "/" in key for key in metrics)
    assert metrics["n_labels"] == fit["n_labels"].sum()
    (dataset,) = [entry.dataset for entry in stored.inputs.dataset_inputs]
    assert (dataset.name, dataset.digest) == (run.dataset, run.data_version)


def test_test_scores_are_never_read_back(tracker, make_fits, run):
    tracker.log_fits(make_fits(2), run)
    assert not [name for name in tracker.fit_scores() if name.startswith("test_")]


def test_hundreds_of_tasks_exceed_no_limit(either, make_fits, run):
    tasks = tuple(f"task {number}" for number in range(400))
    rows = make_fits(2, tasks)
    either.log_fits(rows, run)
    assert len(either.fit_scores()) == len(rows)
    members = {r.data.tags["cotrain.members"] for r in runs_of(either)}
    assert f"{(1 << 400) - 1:x}" in members


def test_odd_task_names_come_back(either, make_fits, run):
    tasks = ("", ".", "..", "a/b", "a//b", "%", "µ: \n", "long" * 100, "long" * 100 + "!", "A", "a")
    rows = make_fits(2, tasks)
    either.log_fits(rows, run)
    assert set(either.fit_scores()["task"]) == set(tasks)


def test_a_fit_is_recorded_once(either, make_fits, run):
    rows = make_fits(3)
    assert either.log_fits(rows, run) == 3
    assert either.log_fits(rows, run) == 0
    assert either.sync(rows, run) == 0
    assert len(runs_of(either)) == 3
    assert set(either.fit_scores()["fit_id"]) == set(rows["fit_id"])


def test_restore_fills_an_empty_database(either, make_fits, run):
    rows = make_fits(4)
    assert either.sync(rows, run) == 4
    assert either.sync(rows, run) == 0
    assert len(either.fit_scores()) == len(rows)


def test_sync_adds_only_what_is_missing(either, make_fits, run):
    rows = make_fits(4)
    either.log_fits(rows[rows["fit_id"].isin(rows["fit_id"].unique()[:2])], run)
    before = {r.info.run_id for r in runs_of(either)}
    assert either.sync(rows, run) == 2
    assert before < {r.info.run_id for r in runs_of(either)}


def test_a_failed_fit_shows_its_error_and_is_tried_again(either, make_fits, run):
    rows = make_fits(1)
    failure = rows.head(1).assign(reason="loss is not finite")
    either.log_failures(failure, run)
    either.log_failures(failure, run)
    (failed,) = runs_of(either)
    assert failed.info.status == "FAILED"
    assert failed.data.tags["cotrain.error"] == "loss is not finite"
    assert either.fit_scores().empty
    assert either.log_fits(rows, run) == 1
    (succeeded,) = runs_of(either)
    assert succeeded.info.status == "FINISHED"


def test_a_failure_does_not_hide_an_earlier_success(either, make_fits, run):
    rows = make_fits(1)
    either.log_fits(rows, run)
    either.log_failures(rows.head(1).assign(reason="out of memory"), run)
    assert set(either.fit_scores()["fit_id"]) == set(rows["fit_id"])


def test_a_killed_run_never_counts_and_is_cleared_away(either, make_fits, run):
    rows = make_fits(2)
    first = rows["fit_id"].iloc[0]
    tags = {"cotrain.role": "fit", "cotrain.fit_id": first}
    killed = either._client.create_run(either.experiment_id, tags=tags).info.run_id
    either._client.set_terminated(killed)  # its status says FINISHED all the same
    assert either.fit_scores().empty
    assert either.sync(rows, run) == 2
    assert killed not in {r.info.run_id for r in runs_of(either)}
    assert len(runs_of(either)) == 2


def test_second_runs_of_a_fit_are_cleared_away(home, make_fits, run):
    rows = make_fits(2)
    one, other = Tracker.open(home), Tracker.open(home)
    assert one.log_fits(rows.head(0), run) == other.log_fits(rows.head(0), run) == 0
    one.log_fits(rows, run)
    other.log_fits(rows, run)  # it has not seen what the first one wrote
    assert len(runs_of(one)) == 4
    assert one.sync(rows, run) == 0
    assert len(runs_of(one)) == 2


def test_runs_of_others_are_left_alone(either, make_fits, run):
    foreign = either._client.create_run(either.experiment_id).info.run_id
    either.sync(make_fits(1), run)
    assert foreign in {r.info.run_id for r in runs_of(either)}
    assert len(either.fit_scores()["fit_id"].unique()) == 1


def test_nothing_to_log_is_no_error(either, make_fits, run):
    assert either.log_fits(make_fits(1).head(0), run) == 0
    assert either.fit_scores().empty


def test_unknown_scores_are_refused(tracker, make_fits, run):
    with pytest.raises(ValueError, match="scores must be scores of the fit table, got f1"):
        tracker.log_fits(make_fits(1), replace(run, scores=("f1",)))


def test_a_task_twice_in_a_fit_is_refused(tracker, make_fits, run):
    rows = make_fits(2)
    with pytest.raises(ValueError, match="each task of a fit once"):
        tracker.log_fits(pd.concat([rows, rows.tail(1)]), run)


def test_nothing_is_cut_silently(either, make_fits, run):
    with pytest.raises(TrackingError, match="parameter plan.note has 7000 characters"):
        either.log_fits(make_fits(1), replace(run, params={"plan.note": "x" * 7000}))
    assert runs_of(either) == []


KILLED = """
import signal
import sys
from pathlib import Path
import pandas as pd
from cotrain.tracking import RunContext, Tracker
from cotrain.tracking._store import Store
tracker = Tracker.open(Path(sys.argv[1]))
if sys.argv[3] == "client":
    tracker._store = Store(tracker.uri, tracker.experiment_id)
for _, part in pd.read_parquet(sys.argv[2]).groupby("fit_id"):
    tracker.log_fits(part, RunContext("d" * 32))
    print("logged", flush=True)
signal.pause()
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["bulk", "client"])
def test_kill_while_logging_then_sync(home, tmp_path, make_fits, way):
    rows = make_fits(400)
    # However late the kill comes, fits are left to log.
    first = rows[rows["fit_id"].isin(rows["fit_id"].unique()[:300])]
    first.to_parquet(tmp_path / "fits.parquet")
    command = [sys.executable, "-c", KILLED, str(home), str(tmp_path / "fits.parquet"), way]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        deadline = threading.Timer(120, process.kill)
        deadline.start()
        logged = [process.stdout.readline() for _ in range(20)]
        process.kill()
        deadline.cancel()
    assert logged == [b"logged\n"] * 20
    tracker = Tracker.open(home)
    n_recorded = tracker.fit_scores()["fit_id"].nunique()
    assert 20 <= n_recorded <= 300
    run = RunContext("d" * 32)
    assert tracker.sync(rows, run) == 400 - n_recorded
    counts = pd.Series([r.data.tags["cotrain.fit_id"] for r in runs_of(tracker)]).value_counts()
    assert (counts == 1).all()
    assert len(counts) == 400
    pd.testing.assert_frame_equal(
        tracker.fit_scores()[[*FIT_COLUMNS, "val_log_loss", "val_auroc"]],
        expected_scores(rows, run),
        check_exact=True,
        check_dtype=False,
    )


def test_summary_is_replaced_not_piled_up(tracker, tmp_path):
    figure = tmp_path / "figure.txt"
    figure.write_text("one")
    tracker.log_summary("subsets", {"n": 1}, {"mean": 0.5, "gap": np.nan}, [figure])
    (first,) = runs_of(tracker)
    tracker.log_summary("subsets", {"n": 1}, {"mean": 0.5, "gap": np.nan}, [figure])
    (second,) = runs_of(tracker)
    assert second.info.run_id == first.info.run_id
    figure.write_text("two")
    tracker.log_summary("subsets", {"n": 1}, {"mean": 0.5}, [figure])
    (third,) = runs_of(tracker)
    assert third.info.run_id != first.info.run_id
    assert third.data.metrics == {"mean": 0.5}
    stored = tracker._client.download_artifacts(third.info.run_id, "figure.txt", str(tmp_path))
    assert Path(stored).read_text() == "two"
    tracker.log_summary("augmentations", {}, {})
    assert len(runs_of(tracker)) == 2


def test_summary_attaches_folders(tracker, tmp_path):
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "a.json").write_text("{}")
    tracker.log_summary("subsets", {}, {}, [tmp_path / "plots"])
    (stored,) = runs_of(tracker)
    client: MlflowClient = tracker._client
    assert [f.path for f in client.list_artifacts(stored.info.run_id, "plots")] == ["plots/a.json"]


def stored_value(tracker: Tracker, key: str, value: float | None) -> None:
    """Change a metric of one run behind the tracker's back; None: take it away."""
    with sqlite3.connect(tracker.uri.removeprefix("sqlite:///")) as connection:
        for table in ("metrics", "latest_metrics"):
            (run_id,) = connection.execute(
                f"SELECT run_uuid FROM {table} WHERE key = ? LIMIT 1", (key,)
            ).fetchone()
            where = (key, run_id)
            if value is None:
                connection.execute(f"DELETE FROM {table} WHERE key = ? AND run_uuid = ?", where)
            else:
                connection.execute(
                    f"UPDATE {table} SET value = ? WHERE key = ? AND run_uuid = ?", (value, *where)
                )


def assert_synced(tracker: Tracker, rows: pd.DataFrame, run: RunContext) -> None:
    pd.testing.assert_frame_equal(
        tracker.synced_scores(rows, run)[expected_scores(rows, run).columns],
        expected_scores(rows, run),
        check_exact=True,
        check_dtype=False,
    )


@pytest.mark.parametrize("value", [None, 0.25, np.inf])
@pytest.mark.parametrize("key", ["val_log_loss/b", "n_labels/b"])
def test_a_run_that_differs_from_the_fit_table_is_logged_anew(either, make_fits, run, key, value):
    rows = make_fits(3)
    either.log_fits(rows, run)
    before = {r.info.run_id for r in runs_of(either)}
    stored_value(either, key, value)
    assert either.sync(rows, run) == 1
    assert_synced(either, rows, run)
    assert len(before & {r.info.run_id for r in runs_of(either)}) == 2
    assert len(runs_of(either)) == 3
    assert either.sync(rows, run) == 0


def test_a_value_that_the_fit_table_lacks_is_not_analysed(either, make_fits, run):
    rows = make_fits(3)
    first = rows["fit_id"].iloc[0]
    with_all = rows.assign(val_auroc=0.5)
    either.log_fits(with_all, run)
    without = with_all.assign(val_auroc=with_all["val_auroc"].where(rows["fit_id"] != first))
    assert either.sync(without, run) == 1
    assert_synced(either, without, run)


def test_a_score_chosen_after_the_runs_is_brought_from_the_fit_table(either, make_fits, run):
    rows = make_fits(3)
    either.log_fits(rows, run)
    for scores in (("log_loss", "aupr"), ("mse", "r2"), run.scores):
        assert_synced(either, rows, replace(run, scores=scores))
    assert len(runs_of(either)) == 3
    assert either.sync(rows, run) == 0  # nothing is logged a third time


def test_a_store_that_gives_other_values_back_is_told(tracker, make_fits, run, monkeypatch):
    rows = make_fits(2)

    def rounded(fit_ids, read=tracker._store.fits):
        for fit in read(fit_ids):
            yield replace(fit, metrics={key: round(v, 3) for key, v in fit.metrics.items()})

    monkeypatch.setattr(tracker._store, "fits", rounded)
    with pytest.raises(TrackingError, match="other values back than were written.*TRACKING=off"):
        tracker.sync(rows, run)


MENDING = """
import sys
from pathlib import Path
import pandas as pd
from cotrain.tracking import RunContext, Tracker
rows = pd.read_parquet(sys.argv[2])
tracker = Tracker.open(Path(sys.argv[1]))
print("mending", flush=True)
tracker.sync(rows, RunContext("d" * 32, scores=("log_loss", "aupr")))
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_kill_while_runs_are_mended_loses_and_doubles_nothing(home, tmp_path, make_fits, seed):
    rows = make_fits(400)
    rows.to_parquet(tmp_path / "fits.parquet")
    Tracker.open(home).log_fits(rows, RunContext("d" * 32))
    command = [sys.executable, "-c", MENDING, str(home), str(tmp_path / "fits.parquet")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"mending\n"
        # Whenever the kill comes, before, within or after the mending, the outcome is the same.
        time.sleep(np.random.default_rng(seed).uniform(0, 2))
        process.kill()
    changed = RunContext("d" * 32, scores=("log_loss", "aupr"))
    tracker = Tracker.open(home)
    assert_synced(tracker, rows, changed)
    assert len(runs_of(tracker)) == 400


def test_without_tracking_the_fit_table_is_read_and_nothing_written(
    tmp_path, make_fits, run, monkeypatch
):
    monkeypatch.setenv("COTRAIN_TRACKING", "off")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # where nobody listens
    rows = make_fits(3)
    tracker = open_tracker(tmp_path)
    tracker.log_fits(rows, run)
    tracker.log_failures(rows.head(1), run)
    tracker.log_summary("subsets", {}, {})
    tracker.prepare_dashboard(rows)
    assert tracker.sync(rows, run) == 0
    assert tracker.register_models(tmp_path, run) is None
    assert_synced(tracker, rows, run)
    assert list(tmp_path.iterdir()) == []


def test_both_ways_give_the_same_frame(tracker, make_fits, run, tmp_path, monkeypatch):
    rows = make_fits(5)
    tracked = tracker.synced_scores(rows, run)
    monkeypatch.setenv("COTRAIN_TRACKING", "off")
    untracked = open_tracker(tmp_path).synced_scores(rows, run)
    pd.testing.assert_frame_equal(untracked[tracked.columns], tracked, check_dtype=False)


@pytest.mark.parametrize("command", [partial(open_tracker, must=True), serve])
def test_what_is_about_mlflow_alone_is_refused_without_tracking(tmp_path, monkeypatch, command):
    monkeypatch.setenv("COTRAIN_TRACKING", "off")
    with pytest.raises(SettingsError, match="off does without MLflow, which this is about; unset"):
        command(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_switch_that_says_neither_on_nor_off_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("COTRAIN_TRACKING", "maybe")
    with pytest.raises(SettingsError, match="must be on or off, got 'maybe'"):
        open_tracker(tmp_path)
