"""The learner `combined` through the command line: how tasks' gradients become one."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from commands import complaint, cotrain, succeed
from small_study import SMALL, change_params

from cotrain.init import make_study

FEW = {
    "fetch.n_examples": 300,
    "fetch.n_tasks": 4,
    "fetch.n_clusters": 2,
    "learners.network.epochs": 2,
    "plan.subsets.n_subsets": 3,
    "plan.subsets.max_size": 3,
    "plan.subsets.repeats": 1,
}

LEARNER = {
    "kind": "combined",
    "hidden": [8],
    "dropout": 0.0,
    "epochs": 2,
    "batch_fraction": 0.02,
    "min_batch_size": 16,
    "learning_rate": 0.005,
    "decay_epochs": [10],
    "decay_factor": 0.3,
    "weight_decay": 0.0,
    "patience": 0,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared study of few fits on the torch engine."""
    folder = tmp_path_factory.mktemp("combination")
    make_study(folder)
    change_params(folder, SMALL | FEW)
    succeed(folder, "fetch")
    succeed(folder, "prepare")
    return folder


def trained(study: Path, combination: str) -> pd.DataFrame:
    change_params(study, {"learners.network": LEARNER | {"combination": combination}})
    succeed(study, "plan")
    succeed(study, "train", "subsets")
    return pd.read_parquet(study / "data" / "fits" / "subsets.parquet")


def test_itmtl_trains_other_fits_under_identities_of_their_own(study: Path) -> None:
    plain, chosen = trained(study, "sum"), trained(study, "itmtl")
    assert len(plain) == len(chosen) > 4
    assert not set(plain["fit_id"]) & set(chosen["fit_id"])
    both = plain.merge(chosen, on=["kind", "repeat", "members", "task"])
    assert len(both) == len(plain)
    same = (both["val_log_loss_x"] - both["val_log_loss_y"]).abs() < 1e-6
    # One task alone has no gradients to combine.
    assert same[both["kind"] == "single"].all()
    assert not same[both["kind"] == "together"].any()
    pd.testing.assert_frame_equal(trained(study, "sum"), plain)


def test_what_cannot_be_combined_is_told_in_one_line(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_params(study, {"learners.network": LEARNER | {"combination": "best"}})
    line = complaint(cotrain(study, "train", "subsets"))
    assert "`learners.network.combination` must be 'sum', 'itmtl'" in line
    change_params(study, {"learners.network": LEARNER | {"combination": "mgda"}})
    succeed(study, "plan")
    change_params(study, {"learners.network": LEARNER | {"combination": "upgrad"}})
    monkeypatch.setitem(sys.modules, "quadprog", None)
    line = complaint(cotrain(study, "train", "subsets"))
    assert "params.yaml: `learners.network`: the aggregator upgrad cannot be made" in line
