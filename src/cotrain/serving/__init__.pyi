from ._folder import check_place
from ._manifest import Figure, Manifest, ModelNote, TaskNote, Width
from ._models import Forecast, TrainedModels
from ._predict import Predictions, predict_file

__all__ = [
    "Figure",
    "Forecast",
    "Manifest",
    "ModelNote",
    "Predictions",
    "TaskNote",
    "TrainedModels",
    "Width",
    "check_place",
    "predict_file",
]
