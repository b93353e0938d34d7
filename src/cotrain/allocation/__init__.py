"""Which labels of which task in which fold a model is trained on, and what makes a fit that fit."""

from cotrain.allocation._allocation import Allocation
from cotrain.allocation._fit import Fit, FoldUse, Kind, decode_tasks, encode_tasks, fit_id
from cotrain.allocation._plan import Identities, Plan, Rounds
from cotrain.allocation._plans import (
    Rotation,
    all_together,
    augmentations,
    random_subsets,
    rotations,
    single_tasks,
    subset_fit,
)

__all__ = [
    "Allocation",
    "Fit",
    "FoldUse",
    "Identities",
    "Kind",
    "Plan",
    "Rotation",
    "Rounds",
    "all_together",
    "augmentations",
    "decode_tasks",
    "encode_tasks",
    "fit_id",
    "random_subsets",
    "rotations",
    "single_tasks",
    "subset_fit",
]
