from ._boosting import Boosting as Boosting
from ._estimator import (
    Estimator as Estimator,
    EstimatorLearner as EstimatorLearner,
    TrainedEstimators as TrainedEstimators,
)
from ._forest import Forest as Forest
from ._kernel import Kernel as Kernel
from ._linear import Linear as Linear
from ._per_task import (
    PerTaskLearner as PerTaskLearner,
    TaskModel as TaskModel,
    TaskRows as TaskRows,
    TrainedTasks as TrainedTasks,
)
from ._pooled import Pooled as Pooled, PooledLinear as PooledLinear
