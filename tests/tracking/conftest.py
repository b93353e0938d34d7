import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cotrain.tracking import RunContext, Tracker

SCORES = ("log_loss", "auroc", "aupr", "mse", "r2", "pearson", "spearman")
KINDS = ("single", "together", "subset", "level", "augmentation")


@pytest.fixture(autouse=True)
def _no_tracking_environment(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "DVC_EXP_NAME", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """An empty database, made once: a copy is much cheaper than MLflow's migrations."""
    from cotrain.tracking._connect import prepare_store

    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    prepare_store(f"sqlite:///{path}")
    return path


@pytest.fixture
def home(template, tmp_path) -> Path:
    home = tmp_path / "study"
    home.mkdir()
    shutil.copy(template, home / "mlflow.db")
    return home


@pytest.fixture
def tracker(home) -> Tracker:
    return Tracker.open(home)


@pytest.fixture
def run() -> RunContext:
    return RunContext("d" * 32, "c" * 40, {"model.hidden": [256], "plan.seed": 0})


@pytest.fixture
def make_fits():
    return fit_table


def fit_table(n_fits: int = 3, tasks: tuple[str, ...] = ("a", "b", "c"), seed: int = 0):
    """Rows of a fit table with every kind of value: missing scores, an auxiliary, real numbers."""
    rng = np.random.default_rng(seed)
    rows = []
    for fit in range(n_fits):
        kind = KINDS[fit % len(KINDS)]
        members = tasks[:1] if kind == "single" else tasks
        for task in members:
            row = {
                "fit_id": f"{seed:02x}{fit:030x}",
                "plan": "subsets",
                "kind": kind,
                "learner": "network/group",
                "repeat": fit % 2,
                "seed": fit % 2 + 7,
                "evaluation_folds": "validation 3 4 5 6, test 7 8 9",
                "members": f"{(1 << len(members)) - 1:x}",
                "level": fit % 3,
                "auxiliary": tasks[-1] if kind == "augmentation" else None,
                "task_weights": "0.5 1.5 1.0" if kind == "augmentation" else None,
                "task": task,
                "n_labels": int(rng.integers(1, 500)),
            }
            for part in ("val", "test"):
                for score in SCORES:
                    applies = score in ("log_loss", "auroc", "aupr")
                    row[f"{part}_{score}"] = rng.normal() if applies else np.nan
            rows.append(row)
    table = pd.DataFrame(rows)
    table.loc[table.index[-1], "val_auroc"] = np.nan
    return table
