from ._allocation import Allocation
from ._fit import Fit, FoldUse, Kind, decode_tasks, encode_tasks, fit_id
from ._plan import Identities, Plan, Rounds
from ._plans import (
    Rotation,
    all_together,
    augmentations,
    count_subsets,
    random_subsets,
    rotations,
    single_tasks,
    subset_fit,
    subset_fits,
)
from ._recipes import WAYS, Way, by_recipe, learner_name, recipe_name, way_of

__all__ = [
    "WAYS",
    "Allocation",
    "Fit",
    "FoldUse",
    "Identities",
    "Kind",
    "Plan",
    "Rotation",
    "Rounds",
    "Way",
    "all_together",
    "augmentations",
    "by_recipe",
    "count_subsets",
    "decode_tasks",
    "encode_tasks",
    "fit_id",
    "learner_name",
    "random_subsets",
    "recipe_name",
    "rotations",
    "single_tasks",
    "subset_fit",
    "subset_fits",
    "way_of",
]
