from ._fit import (
    Allocation as Allocation,
    Fit as Fit,
    FoldUse as FoldUse,
    Kind as Kind,
    decode_tasks as decode_tasks,
    encode_tasks as encode_tasks,
    fit_id as fit_id,
)
from ._plan import Identities as Identities, Plan as Plan, Rounds as Rounds
from ._plans import (
    WAYS as WAYS,
    Rotation as Rotation,
    Way as Way,
    all_together as all_together,
    augmentations as augmentations,
    by_recipe as by_recipe,
    count_subsets as count_subsets,
    learner_name as learner_name,
    random_subsets as random_subsets,
    recipe_name as recipe_name,
    rotations as rotations,
    single_tasks as single_tasks,
    subset_fit as subset_fit,
    subset_fits as subset_fits,
    way_of as way_of,
)
