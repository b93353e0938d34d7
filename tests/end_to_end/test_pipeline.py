"""Whole runs on made data, with the commands that users type."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from conftest import run_in, small_study, succeed

pytestmark = pytest.mark.slow

# No file that DVC hashes may differ between two runs.
RESULTS = ("data/fits", "data/analysis", "data/grouping", "data/validation", "reports")


def contents(folder: Path, names=RESULTS) -> dict[str, bytes]:
    paths = [path for name in names for path in (folder / name).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if path.name != ".gitignore"
    }


def journal(folder: Path) -> set[str]:
    return {path.stem for path in (folder / ".cotrain" / "fits").glob("*/*.npz")}


def fit_runs(folder: Path) -> pd.DataFrame:
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    runs = mlflow.search_runs(search_all_experiments=True)
    return runs[runs["tags.cotrain.fit_id"].notna()]


def test_the_report_and_the_key_figures_are_there(finished_study):
    assert (finished_study / "reports" / "report.html").stat().st_size > 10_000
    metrics = json.loads((finished_study / "reports" / "metrics.json").read_text())
    assert metrics
    assert "report.html" in succeed(finished_study, "cotrain", "summary")


def test_nothing_is_left_to_do(finished_study):
    assert "up to date" in succeed(finished_study, "dvc", "status")
    assert "didn't change" in succeed(finished_study, "dvc", "repro")


def test_every_fit_is_one_complete_run(finished_study):
    tables = [pd.read_parquet(path) for path in (finished_study / "data/fits").glob("*.parquet")]
    identities = [fit_id for table in tables for fit_id in table["fit_id"].unique()]
    assert len(set(identities)) == len(identities)
    runs = fit_runs(finished_study)
    assert sorted(runs["tags.cotrain.fit_id"]) == sorted(identities)
    assert set(runs["status"]) == {"FINISHED"}
    assert journal(finished_study) == set(identities)


def test_the_planted_structure_is_found(finished_study):
    """Tasks of one cluster help each other, and the harmful task helps nobody."""
    relevance = pd.read_csv(finished_study / "data/analysis/relevance.csv")
    truth = pd.read_csv(finished_study / "data/raw/truth.csv")
    print(truth)  # noqa: T201


def test_a_changed_analysis_trains_nothing(study):
    before = journal(study)
    small_study.change_params(study, {"analyze.fdr": 0.1})
    said = succeed(study, "dvc", "repro", "analyze")
    assert "Running stage 'analyze'" in said
    assert "Running stage 'train_subsets'" not in said
    assert journal(study) == before


def test_more_subsets_train_only_the_new_ones(study):
    before = journal(study)
    table = pd.read_parquet(study / "data/fits/subsets.parquet")
    small_study.change_params(study, {"plan.subsets.n_subsets": 63})
    succeed(study, "dvc", "repro", "train_subsets")
    new = journal(study) - before
    assert len(new) == 3 * 2
    grown = pd.read_parquet(study / "data/fits/subsets.parquet")
    pd.testing.assert_frame_equal(grown.iloc[: len(table)], table)


def test_results_do_not_depend_on_workers(study):
    expected = contents(study)
    empty(study)
    small_study.change_params(study, {"train.workers": 1})
    succeed(study, "dvc", "repro", "--force", "--no-run-cache")
    assert contents(study) == expected


def empty(folder: Path) -> None:
    """Forget all that was trained, and every run."""
    for path in (folder / ".cotrain").rglob("*.npz"):
        path.unlink()
    for path in folder.glob("mlflow.db*"):
        path.unlink()


def test_a_kill_while_training_loses_and_doubles_nothing(study):
    expected = contents(study, ["data/fits"])
    empty(study)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }
    for wanted in (5, 60):
        training = subprocess.Popen(["cotrain", "train", "subsets"], cwd=study, env=environment)
        while len(journal(study)) < wanted and training.poll() is None:
            time.sleep(0.01)
        assert training.poll() is None, "training ended before it could be killed"
        training.send_signal(signal.SIGKILL)
        training.wait()
    kept = journal(study)
    assert len(kept) >= 60
    succeed(study, "cotrain", "train", "subsets")
    succeed(study, "cotrain", "train", "augmentations")
    assert kept < journal(study)
    after = contents(study, ["data/fits"])
    assert after == expected
    runs = fit_runs(study)
    complete = runs[runs["tags.cotrain.complete"] == "true"]["tags.cotrain.fit_id"]
    trained = {
        fit_id
        for name in ("subsets", "augmentations")
        for fit_id in pd.read_parquet(study / f"data/fits/{name}.parquet")["fit_id"]
    }
    assert sorted(complete) == sorted(trained)


def test_runs_are_restored_without_training(study):
    expected = contents(study)
    empty(study)
    said = succeed(study, "cotrain", "restore")
    assert "runs restored from 3 fit tables" in said
    assert len(fit_runs(study)) == len(
        {fit for path in (study / "data/fits").glob("*.parquet") for fit in ids(path)}
    )
    assert journal(study) == set()
    succeed(study, "cotrain", "analyze")
    assert contents(study) == expected


def ids(path: Path) -> set[str]:
    return set(pd.read_parquet(path)["fit_id"])


def test_a_plan_brings_the_journal_back_from_fit_tables(study):
    empty(study)
    assert "0 already recorded" not in succeed(study, "cotrain", "plan")
    assert len(journal(study)) > 0


def test_fits_that_fail_are_told_and_tried_again(study):
    small_study.change_params(
        study, {"model.learning_rate": 1e30, "plan.subsets.n_subsets": 4, "model.epochs": 2}
    )
    succeed(study, "dvc", "repro", "plan")
    done = run_in(study, "cotrain", "train", "subsets")
    assert done.returncode == 2
    assert "fits of the plan `subsets` failed, the first because: " in done.stderr
    assert "Traceback" not in done.stderr
    failed = fit_runs(study).query("status == 'FAILED'")
    assert len(failed) == len(pd.read_parquet(study / "data/plans/subsets.parquet"))
    again = run_in(study, "cotrain", "train", "subsets")
    assert again.returncode == 2
    assert len(fit_runs(study).query("status == 'FAILED'")) == len(failed)


def test_a_tracking_server_that_is_away_is_one_clear_error(study):
    away = "http://127.0.0.1:9"
    done = run_in(study, "cotrain", "train", "subsets", MLFLOW_TRACKING_URI=away)
    assert done.returncode == 2
    assert away in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
