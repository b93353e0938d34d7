"""A study of which every stage takes seconds, and what must be the same after any way through it."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from small_study import change_params, make_small_study

TINY = {
    "fetch.n_examples": 400,
    "fetch.n_tasks": 5,
    "fetch.n_clusters": 2,
    "fetch.n_features": 16,
    "fetch.label_rate": 0.6,
    "learners.network.epochs": 3,
    "learners.network.decay_epochs": [2],
    "learners.network.min_batch_size": 32,
    "learners.network.batch_fraction": 0.1,
    "learners.forest.n_trees": 5,
    "tune.trials": 2,
    "plan.subsets.n_subsets": 16,
    "plan.subsets.max_size": 4,
    "plan.placebo.n_subsets": 4,
    "plan.placebo.repeats": 1,
    "group.trials": 550,
    "group.proof_seconds": 60,
    "validate.repeats": 2,
    "validate.random_groupings": 1,
}
RESULTS = ("data", "reports", "models")


def make_tiny_study(folder: Path) -> Path:
    """Return `folder`, made a study of five tasks."""
    make_small_study(folder)
    change_params(folder, TINY)
    return folder


def contents(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of results; they hold neither times nor names of this machine."""
    paths = [path for name in RESULTS for path in (folder / name).rglob("*")]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file() and path.name != ".gitignore"
    }


def leftovers(folder: Path) -> list[str]:
    """Files and folders half written."""
    found = [path for path in folder.rglob(".*.part*") if ".dvc" not in path.parts]
    return [str(path.relative_to(folder)) for path in found]


def runs(folder: Path) -> list[str]:
    """The identity of the fit of each complete run in MLflow's tables, once for each run."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        rows = connection.execute(
            "SELECT fit.value FROM tags AS fit JOIN tags AS whole USING (run_uuid) "
            "JOIN runs USING (run_uuid) WHERE fit.key = 'cotrain.fit_id' "
            "AND whole.key = 'cotrain.complete' AND lifecycle_stage = 'active'"
        )
        return sorted(row[0] for row in rows)
