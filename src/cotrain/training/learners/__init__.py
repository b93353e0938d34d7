"""Learners beside the network: forests, boosted trees, linear models, kernels."""

from cotrain.training.learners._boosting import Boosting
from cotrain.training.learners._estimator import Estimator, EstimatorLearner, TrainedEstimators
from cotrain.training.learners._forest import Forest
from cotrain.training.learners._kernel import Kernel
from cotrain.training.learners._linear import Linear
from cotrain.training.learners._per_task import PerTaskLearner, TaskModel, TrainedTasks

__all__ = [
    "Boosting",
    "Estimator",
    "EstimatorLearner",
    "Forest",
    "Kernel",
    "Linear",
    "PerTaskLearner",
    "TaskModel",
    "TrainedEstimators",
    "TrainedTasks",
]
