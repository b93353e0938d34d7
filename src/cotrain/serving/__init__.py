"""Trained models as a folder of plain files: written, read without pickle, used to predict."""

from cotrain.serving._manifest import Figure, Manifest, ModelNote, TaskNote
from cotrain.serving._models import TrainedModels, check_place
from cotrain.serving._predict import Predictions, predict_file

__all__ = [
    "Figure",
    "Manifest",
    "ModelNote",
    "Predictions",
    "TaskNote",
    "TrainedModels",
    "check_place",
    "predict_file",
]
