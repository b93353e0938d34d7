"""Models in MLflow's registry: once, loadable, and nothing pickled."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest
from small_models import make_models, molecule_table

from cotrain.serving import TrainedModels
from cotrain.tracking import Tracker


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "models"
    make_models(molecule_table()).save(folder)
    return folder


# MLflow warns about its own type hints when it is asked to load a model.
@pytest.mark.filterwarnings("ignore:.*Any type hint.*:UserWarning")
def test_registered_models_predict_what_the_folder_does(tracker, run, folder, monkeypatch):
    name, version = tracker.register_models(folder, run)
    assert (name, version) == ("study", "1")
    monkeypatch.setattr(mlflow.tracking._tracking_service.utils, "_tracking_uri", tracker.uri)
    loaded = mlflow.pyfunc.load_model(f"models:/{name}/{version}")
    smiles = ["CCO", "not a molecule", "Cc1ccccc1"]
    found = loaded.predict(pd.DataFrame({"smiles": smiles}))
    pd.testing.assert_frame_equal(found, TrainedModels.load(folder).predict_smiles(smiles))
    files = {path.suffix for path in (Path(tracker.uri[10:]).parent / "mlartifacts").rglob("*.*")}
    assert files == {".safetensors", ".json", ".md", ".txt"}


def test_the_same_models_are_registered_once(tracker, run, folder, tmp_path, home):
    assert tracker.register_models(folder, run)[1] == "1"
    assert tracker.register_models(folder, run)[1] == "1"
    models = TrainedModels.load(folder)
    manifest = models.manifest.model_copy(update={"seed": 8})
    TrainedModels(manifest, models.models, models.known).save(tmp_path / "other")
    assert Tracker.open(home).register_models(tmp_path / "other", run)[1] == "2"
    version = tracker._client.get_model_version("study", "2")
    assert version.tags["cotrain.data_version"] == run.data_version


def test_a_name_that_mlflow_refuses_is_mended(monkeypatch, home, run, folder):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "/Users/me/it's: 100%")
    name, version = Tracker.open(home).register_models(folder, run)
    assert (name, version) == ("-Users-me-it-s- 100-", "1")
