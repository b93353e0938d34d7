from ._folder import check_place as check_place
from ._manifest import (
    Figure as Figure,
    Manifest as Manifest,
    ModelNote as ModelNote,
    TaskNote as TaskNote,
    Width as Width,
)
from ._models import Forecast as Forecast, TrainedModels as TrainedModels
from ._predict import Predictions as Predictions, predict_file as predict_file
