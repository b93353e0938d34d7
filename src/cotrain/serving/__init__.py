"""Trained portfolios as a folder of plain files: written, read without pickle, used to predict."""

from cotrain.serving._folder import check_place
from cotrain.serving._manifest import Figure, Manifest, ModelNote, TaskNote, Width
from cotrain.serving._models import Forecast, TrainedModels
from cotrain.serving._predict import Predictions, predict_file

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
