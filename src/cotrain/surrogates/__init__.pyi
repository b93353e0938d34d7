from ._adaptive import next_subsets
from ._agreement import spearman_by_target
from ._choice import MeanSurrogate, SurrogateChoice, choose_surrogate
from ._classification import Classification, best_threshold, classify
from ._goodness import lack_of_fit
from ._label_curve import LabelCurveSurrogate
from ._linear import LinearSurrogate
from ._negative_transfer import NegativeTransfer, identify_negative_transfer
from ._relevance import Relevance, relevance
from ._scores import DesignWarning, average_repeats, paired_effects
from ._targets import TargetSurrogates, fit_surrogates

__all__ = [
    "Classification",
    "DesignWarning",
    "LabelCurveSurrogate",
    "LinearSurrogate",
    "MeanSurrogate",
    "NegativeTransfer",
    "Relevance",
    "SurrogateChoice",
    "TargetSurrogates",
    "average_repeats",
    "best_threshold",
    "choose_surrogate",
    "classify",
    "fit_surrogates",
    "identify_negative_transfer",
    "lack_of_fit",
    "next_subsets",
    "paired_effects",
    "relevance",
    "spearman_by_target",
]
