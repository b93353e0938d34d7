from ._adaptive import next_subsets as next_subsets
from ._choice import (
    MeanSurrogate as MeanSurrogate,
    SurrogateChoice as SurrogateChoice,
    choose_surrogate as choose_surrogate,
)
from ._negative_transfer import (
    Classification as Classification,
    best_threshold as best_threshold,
    classify as classify,
)
from ._goodness import (
    lack_of_fit as lack_of_fit,
    spearman_by_target as spearman_by_target,
)
from ._label_curve import LabelCurveSurrogate as LabelCurveSurrogate
from ._linear import (
    AffinitySurrogate as AffinitySurrogate,
    LinearSurrogate as LinearSurrogate,
)
from ._negative_transfer import (
    NegativeTransfer as NegativeTransfer,
    identify_negative_transfer as identify_negative_transfer,
)
from ._relevance import Relevance as Relevance, relevance as relevance
from ._scores import (
    DesignWarning as DesignWarning,
    average_repeats as average_repeats,
    paired_effects as paired_effects,
)
from ._targets import TargetSurrogates as TargetSurrogates, fit_surrogates as fit_surrogates
