"""Which way to a store's runs, and the experiment in it: found, or made."""

from typing import TYPE_CHECKING

from cotrain.exceptions import TrackingError
from cotrain.imports import importing
from cotrain.tracking._connect import sqlite_path
from cotrain.tracking._sql import SqlStore, find_experiment, make_experiment
from cotrain.tracking._store import ClientStore, Store

if TYPE_CHECKING:  # its import takes seconds
    from mlflow import MlflowClient


def make_client(uri: str) -> "MlflowClient":
    """MLflow's client of a store."""
    with importing():
        from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def open_store(uri: str, name: str) -> tuple[str, Store]:
    """The identity of the experiment `name`, which is made if need be, and the way to its runs.

    A study's SQLite file is read and written without importing MLflow.
    """
    path = sqlite_path(uri)
    if path is None:
        client = make_client(uri)
        experiment_id = _experiment_id(client, name)
        return experiment_id, ClientStore(client, experiment_id)
    if (found := find_experiment(path, name)) is None:
        make_experiment(path, name)
        found = find_experiment(path, name)
        assert found is not None
    experiment_id, artifacts, stage = found
    _check_stage(name, experiment_id, stage)
    return experiment_id, SqlStore(path, experiment_id, artifacts, lambda: make_client(uri))


def _experiment_id(client: "MlflowClient", name: str) -> str:
    from mlflow.exceptions import MlflowException

    if (experiment := client.get_experiment_by_name(name)) is None:
        try:
            return client.create_experiment(name)
        except MlflowException:  # another process was quicker
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    _check_stage(name, experiment.experiment_id, experiment.lifecycle_stage)
    return experiment.experiment_id


def _check_stage(name: str, experiment_id: str, stage: str) -> None:
    if stage == "deleted":
        raise TrackingError(
            f"experiment {name!r} was deleted; run `mlflow experiments restore -x {experiment_id}` "
            "or set MLFLOW_EXPERIMENT_NAME to another name"
        )
