"""The surrogates that were compared; `analyze` chooses among those that won."""

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from cotrain.surrogates import LabelCurveSurrogate, LinearSurrogate, MeanSurrogate
from lab.group_mean import AveragingSurrogate, PairwiseSurrogate
from lab.interaction import InteractionSurrogate
from lab.kernel_surrogate import KernelSurrogate


def default_surrogates(n_labels: ArrayLike | None = None) -> dict[str, BaseEstimator]:
    """All surrogates by name, the simplest first.

    `n_labels` (n_tasks,) are the training labels of each task: without, there is no label curve.
    """
    curve = {} if n_labels is None else {"label curve": LabelCurveSurrogate(n_labels)}
    return {
        "none": MeanSurrogate(),
        "linear": LinearSurrogate(),
        **curve,
        "averaging": AveragingSurrogate(),
        "pairwise": PairwiseSurrogate(),
        "kernel": KernelSurrogate(),
        "interaction": InteractionSurrogate(),
    }
