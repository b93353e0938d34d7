"""The models as MLflow loads them: a module to import and plain files, nothing pickled."""

from pathlib import Path
from typing import Any

import pandas as pd

from cotrain.serving._models import TrainedModels


class Predictor:
    """Predicts for a data frame with a column `smiles`."""

    def __init__(self, models: TrainedModels) -> None:
        self.models = models

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return what `TrainedModels.predict_smiles` does; `params` is MLflow's, and unused."""
        del params
        return self.models.predict_smiles(frame["smiles"].tolist())


def _load_pyfunc(path: str) -> Predictor:
    """Return the predictor of a folder of models; MLflow calls this by its name."""
    return Predictor(TrainedModels.load(Path(path)))
