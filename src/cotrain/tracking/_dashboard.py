"""The experiment's page in MLflow: a note, and a view that compares kinds of fits."""

from mlflow import MlflowClient


def prepare(client: MlflowClient, experiment_id: str) -> None:
    """Write the note and the view."""


def url(base: str, experiment_id: str) -> str:
    """The address of the view."""
    return f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs"
