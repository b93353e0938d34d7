"""Whole runs on made data: what a study must be after any way through it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from commands import STAGES, complaint, cotrain, environment, succeed, type_in
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from small_study import change_params

pytestmark = pytest.mark.slow

# No file that DVC hashes may differ between two runs.
RESULTS = ("data", "reports")


def contents(folder: Path, names=RESULTS) -> dict[str, bytes]:
    paths = [path for name in names for path in (folder / name).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if path.name != ".gitignore"
    }


def journal(folder: Path) -> set[str]:
    return {path.stem for path in (folder / ".cotrain" / "fits").glob("*/*.npz")}


def forget(folder: Path) -> None:
    """Forget all that was trained, and every run."""
    for path in (folder / ".cotrain").rglob("*.npz"):
        path.unlink()
    for path in folder.glob("mlflow.db*"):
        path.unlink()


def fit_runs(folder: Path) -> pd.DataFrame:
    """The runs of fits, without MLflow's experiment of summaries."""
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs, token = [], None
    while True:
        page = client.search_runs(experiments, max_results=1000, page_token=token)
        runs += page
        token = page.token
        if not token:
            break
    tags = [{"status": run.info.status, **run.data.tags} for run in runs]
    return pd.DataFrame([tag for tag in tags if "cotrain.fit_id" in tag])


def identities(folder: Path, *plans: str) -> list[str]:
    """Identities of the fits in the fit tables, one for each time that one is listed."""
    tables = [folder / "data" / "fits" / f"{plan}.parquet" for plan in plans]
    return [fit for table in tables for fit in pd.read_parquet(table)["fit_id"].unique()]


PLANS = ("subsets", "placebo", "augmentations", "validation")


def test_nothing_is_left_to_do(finished_study):
    assert "up to date" in type_in(finished_study, "dvc", "status")
    said = type_in(finished_study, "dvc", "repro")
    assert "Running stage" not in said
    assert "up to date" in said


def test_the_report_and_the_key_figures_are_there(finished_study):
    assert (finished_study / "reports" / "report.html").stat().st_size > 10_000
    assert json.loads((finished_study / "reports" / "metrics.json").read_text())
    assert "report.html" in succeed(finished_study, "summary")


def test_every_fit_is_one_complete_run(finished_study):
    fits = identities(finished_study, *PLANS)
    assert len(set(fits)) == len(fits)
    runs = fit_runs(finished_study)
    assert sorted(runs["cotrain.fit_id"]) == sorted(fits)
    assert set(runs["status"]) == {"FINISHED"}
    assert set(runs["cotrain.complete"]) == {"true"}
    assert journal(finished_study) == set(fits)


class TestThePlantedStructureIsFound:
    """Tasks of one cluster help each other, others do not, and the harmful task hurts."""

    @pytest.fixture
    def truth(self, finished_study) -> pd.DataFrame:
        return pd.read_csv(finished_study / "data/raw/truth.csv").set_index("task")

    def pairs(self, frame: pd.DataFrame, source: str, truth: pd.DataFrame) -> pd.Series:
        """What each (target, source) pair is: within, across, from harmful or to harmful."""
        target, other = (truth.loc[frame[name]] for name in ("target", source))
        kinds = [
            other["harmful"].to_numpy(),
            target["harmful"].to_numpy(),
            target["cluster"].to_numpy() == other["cluster"].to_numpy(),
        ]
        names = ["from harmful", "to harmful", "within"]
        return pd.Series(np.select(kinds, names, "across"), index=frame.index)

    def test_by_the_relevance_of_sources(self, finished_study, truth):
        relevance = pd.read_csv(finished_study / "data/analysis/relevance.csv")
        kind = self.pairs(relevance, "source", truth)
        mean = relevance["relevance"].groupby(kind).mean()
        assert mean["within"] > 0.02
        assert mean["across"] < 0
        assert mean["from harmful"] < -0.004
        # Two repeats decide next to nothing, but their ranking tells pairs of one cluster.
        assert roc_auc_score(kind == "within", relevance["relevance"]) > 0.9
        helps = kind[relevance["verdict"] == "helps"]
        assert (helps == "within").all()

    def test_by_one_fold_more_of_an_auxiliary(self, finished_study, truth):
        pairwise = pd.read_csv(finished_study / "data/analysis/pairwise.csv")
        kind = self.pairs(pairwise, "auxiliary", truth)
        mean = pairwise["effect"].groupby(kind).mean()
        assert mean["within"] > 0.02
        assert mean["within"] > mean["across"] + 0.02
        assert mean["within"] > mean["from harmful"] + 0.01

    def test_by_the_grouping(self, finished_study, truth):
        grouping = json.loads((finished_study / "data/grouping/grouping.json").read_text())
        served_by = pd.Series(grouping["served_by"])
        useful = truth.index[~truth["harmful"]]
        # Chance gives 0. A cluster served by two models of much the same members costs a little.
        assert adjusted_rand_score(truth.loc[useful, "cluster"], served_by[useful]) > 0.6
        harmful = set(truth.index[truth["harmful"]])
        beside = [bool(harmful & set(grouping["groups"][at])) for at in served_by[useful]]
        assert sum(beside) <= 2  # of 8

    def test_by_the_test_labels(self, finished_study):
        compared = pd.read_csv(finished_study / "data/validation/comparison.csv")
        compared = compared[compared["calibration"] == "raw"].set_index(["score", "grouping"])
        for score in ("log_loss", "auroc"):
            for rival in ("single-task", "all together", "random"):
                assert compared.loc[(score, rival), "low"] > 0, (score, rival)


def test_a_changed_analysis_trains_nothing(study):
    before = journal(study)
    change_params(study, {"analyze.fdr": 0.1})
    said = type_in(study, "dvc", "repro", "analyze")
    assert "Running stage 'analyze'" in said
    assert "Running stage 'train'" not in said
    assert journal(study) == before


def test_other_scores_can_be_analysed_after_the_runs(study):
    before = journal(study)
    change_params(study, {"analyze.score": "auroc", "analyze.curve_score": "aupr"})
    succeed(study, "analyze")
    assert json.loads((study / "data/analysis/summary.json").read_text())["curve_score"] == "aupr"
    assert journal(study) == before


def test_analysis_without_mlflow_is_the_same(study, monkeypatch):
    expected = contents(study)
    for path in study.glob("mlflow.db*"):
        path.unlink()
    monkeypatch.setenv("COTRAIN_TRACKING", "off")
    for stage in ("train subsets", "analyze", "group", "validate", "report"):
        succeed(study, *stage.split())
    assert contents(study) == expected
    assert not list(study.glob("mlflow.db*"))


def test_more_subsets_train_only_the_new_ones(study):
    before = journal(study)
    old = pd.read_parquet(study / "data/fits/subsets.parquet").set_index("fit_id")
    change_params(study, {"plan.subsets.n_subsets": 63})
    assert "140 already recorded" in succeed(study, "plan")
    succeed(study, "train", "subsets")
    assert len(journal(study) - before) == 3 * 2
    grown = pd.read_parquet(study / "data/fits/subsets.parquet").set_index("fit_id")
    assert grown.index.nunique() == 140 + 3 * 2
    pd.testing.assert_frame_equal(grown.loc[old.index.unique()], old)


def test_a_second_run_on_one_worker_gives_the_same_bytes(study):
    expected = contents(study)
    for name in expected:
        (study / name).unlink()
    forget(study)
    change_params(study, {"train.workers": 1})
    for stage in STAGES:
        succeed(study, stage)
    again = contents(study)
    assert again.keys() == expected.keys()
    assert [name for name in expected if again[name] != expected[name]] == []


def test_a_kill_while_training_loses_and_doubles_nothing(study):
    expected = contents(study)
    forget(study)
    # By force: DVC must not bring back what an earlier run made.
    command = ["dvc", "repro", "--force", "--single-item", "train"]
    for wanted in (5, 60):
        training = subprocess.Popen(
            command,
            cwd=study,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while len(journal(study)) < wanted and training.poll() is None:
            time.sleep(0.01)
        assert training.poll() is None, "training ended before it could be killed"
        os.killpg(training.pid, signal.SIGKILL)
        training.wait()
    kept = journal(study)
    assert 60 <= len(kept) < 140
    assert not (study / "data/fits/subsets.parquet").exists()

    type_in(study, *command)
    assert "up to date" in type_in(study, "dvc", "status")
    assert kept < journal(study)
    assert contents(study) == expected
    runs = fit_runs(study)
    complete = runs[runs["cotrain.complete"] == "true"]["cotrain.fit_id"]
    assert sorted(complete) == sorted(set(identities(study, *PLANS[:3])))


def test_adaptive_rounds_go_on_where_they_were_stopped(study):
    change_params(study, {"plan.subsets.sampling": "adaptive", "plan.subsets.n_subsets": 20})
    assert "subsets more will be chosen" in succeed(study, "plan")
    succeed(study, "train", "subsets")
    expected = contents(study, ["data/fits"])
    chosen = sorted(set(identities(study, "subsets")))
    for fit in chosen[::2]:
        (study / ".cotrain" / "fits" / fit[:2] / f"{fit}.npz").unlink()
    (study / "data/fits/subsets.parquet").unlink()
    succeed(study, "train", "subsets")
    assert contents(study, ["data/fits"]) == expected
    succeed(study, "analyze")
    summary = json.loads((study / "data/analysis/summary.json").read_text())
    assert summary["n_subsets"] == 20


def test_runs_are_restored_without_training(study):
    expected = contents(study)
    forget(study)
    assert "runs restored from 4 fit tables" in succeed(study, "restore")
    assert sorted(fit_runs(study)["cotrain.fit_id"]) == sorted(identities(study, *PLANS))
    assert journal(study) == set()
    succeed(study, "analyze")
    assert contents(study) == expected
    assert "\n0 runs" in f"\n{succeed(study, 'restore')}"


def test_a_plan_brings_the_journal_back_from_fit_tables(study):
    forget(study)
    said = succeed(study, "plan")
    assert "subsets: 140 fits, 140 already recorded" in said
    assert journal(study) == set(identities(study, *PLANS))
    expected = contents(study)
    succeed(study, "train", "subsets")
    assert contents(study) == expected


def test_fits_that_fail_are_told_and_tried_again(study):
    changes = {
        "learners.network.learning_rate": 1e30,
        "learners.network.epochs": 2,
        "plan.subsets.n_subsets": 4,
    }
    change_params(study, changes)
    succeed(study, "plan")
    n_fits = len(pd.read_parquet(study / "data/plans/subsets.parquet")["fit_id"].unique())
    before = journal(study)
    for _ in range(2):
        told = complaint(cotrain(study, "train", "subsets"))
        assert f"{n_fits} of {n_fits} fits of the plan `subsets` failed, the first" in told
        failed = fit_runs(study).query("status == 'FAILED'")
        assert failed["cotrain.fit_id"].nunique() == n_fits
        assert failed["cotrain.error"].str.len().min() > 0
    assert journal(study) == before
