from ._allocation import Allocation as Allocation
from ._fit import (
    Fit as Fit,
    FoldUse as FoldUse,
    Kind as Kind,
    decode_tasks as decode_tasks,
    encode_tasks as encode_tasks,
    fit_id as fit_id,
)
from ._plan import Identities as Identities, Plan as Plan, Rounds as Rounds
from ._plans import (
    Rotation as Rotation,
    all_together as all_together,
    augmentations as augmentations,
    count_subsets as count_subsets,
    random_subsets as random_subsets,
    rotations as rotations,
    single_tasks as single_tasks,
    subset_fit as subset_fit,
    subset_fits as subset_fits,
)
from ._recipes import (
    WAYS as WAYS,
    Way as Way,
    by_recipe as by_recipe,
    learner_name as learner_name,
    recipe_name as recipe_name,
    way_of as way_of,
)
