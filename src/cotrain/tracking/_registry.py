"""Folders of models in MLflow's registry, as plain files that name a module to load them by."""

import platform
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema

from cotrain import __version__
from cotrain.files import sha256
from cotrain.tracking._records import DIGEST


def register(
    client: MlflowClient, experiment_id: str, name: str, folder: Path, tags: Mapping[str, str]
) -> tuple[str, str]:
    """Return the name and version under which `folder` is registered; a known one stays."""
    name = re.sub(r"[^\w. -]", "-", name)  # MLflow's rule for names of models
    digest = sha256((folder / "models.json").read_bytes())
    try:
        client.get_registered_model(name)
    except MlflowException:
        client.create_registered_model(name)
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.tags.get(DIGEST) == digest:
            return name, str(version.version)
    logged = client.create_logged_model(experiment_id, "models", tags=dict(tags))
    with tempfile.TemporaryDirectory() as part:
        _write_flavor(Path(part), folder, logged.model_id)
        client.log_model_artifacts(logged.model_id, part)
    client.finalize_logged_model(logged.model_id, "READY")
    # A server finds the model by its identity. Without one MLflow would look for it in the store
    # that is set for the whole process, not in this client's; so it is told the place.
    is_served = client.tracking_uri.startswith("http")
    version = client.create_model_version(
        name,
        source=f"models:/{logged.model_id}" if is_served else logged.artifact_location,
        tags={**tags, DIGEST: digest},
        model_id=logged.model_id if is_served else None,
    )
    return name, str(version.version)


def _write_flavor(part: Path, folder: Path, model_id: str) -> None:
    """Write what MLflow calls a model: the files, and which module loads them."""
    shutil.copytree(folder, part / "models")
    (part / "requirements.txt").write_text(f"cotrain=={__version__}\n", encoding="utf-8")
    model = Model(
        model_id=model_id, signature=ModelSignature(Schema([ColSpec("string", "smiles")]))
    )
    model.add_flavor(
        "python_function",
        loader_module="cotrain.serving.pyfunc",
        data="models",
        python_version=platform.python_version(),
        env={},
    )
    model.save(str(part / "MLmodel"))
