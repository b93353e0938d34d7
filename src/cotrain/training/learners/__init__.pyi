from ._boosting import Boosting
from ._estimator import Estimator, EstimatorLearner, TrainedEstimators
from ._forest import Forest
from ._kernel import Kernel
from ._linear import Linear
from ._per_task import PerTaskLearner, TaskModel, TaskRows, TrainedTasks
from ._pooled import Pooled, PooledLinear

__all__ = [
    "Boosting",
    "Estimator",
    "EstimatorLearner",
    "Forest",
    "Kernel",
    "Linear",
    "PerTaskLearner",
    "Pooled",
    "PooledLinear",
    "TaskModel",
    "TaskRows",
    "TrainedEstimators",
    "TrainedTasks",
]
