"""Trained models as a folder of plain files: written, read without pickle, used to predict."""

from cotrain.serving._manifest import Figure, Manifest, ModelNote, TaskNote
from cotrain.serving._models import TrainedModels, check_place
from cotrain.serving._predict import RESERVED, Predictions, predict_file
from cotrain.serving._similarity import nearest_similarity

__all__ = [
    "RESERVED",
    "Figure",
    "Manifest",
    "ModelNote",
    "Predictions",
    "TaskNote",
    "TrainedModels",
    "check_place",
    "nearest_similarity",
    "predict_file",
]
